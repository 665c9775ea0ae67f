//! The way to the other peer before there is a direct one.
//!
//! A [`Signal`] is two bounded queues; what stands behind them is a WebSocket with reconnecting
//! ([`websocket`]) or the other half of a pair in this process ([`memory`]).

mod haste;
pub mod memory;
mod refusal;
pub mod websocket;

use std::time::Duration;

use shared::{Incoming, Outgoing, Welcome, WireError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::exit::Failure;

/// Frames on their way out, and events on their way in; beyond it the sender waits.
const QUEUE: usize = 256;

/// What comes from signaling.
#[derive(Debug)]
pub enum SignalEvent {
    /// In the room; again after each reconnect.
    Entered(Entered),
    /// A frame.
    Frame(Incoming),
    /// A frame that cannot be read.
    Malformed(WireError),
    /// Not reached yet; it is tried again.
    Unreachable(Failure),
    /// The connection ended; it is tried again.
    Lost(String),
    /// It is over: wrong configuration, refused, replaced.
    Refused(Failure),
}

/// How we are in the room.
#[derive(Debug)]
pub enum Entered {
    /// The server speaks `peer.v1`.
    PeerV1(Welcome),
    /// The server knows only the broadcast.
    Plain,
}

/// What is heard of the network elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hint {
    /// Packets to a peer are lost; perhaps those to the server are too.
    Doubt,
    /// This machine has other addresses than before.
    Moved,
}

/// Hints on their way; one that finds no place says nothing new.
const HINTS: usize = 4;

/// Both directions of signaling.
#[derive(Debug)]
pub struct Signal {
    outgoing: mpsc::Sender<String>,
    hints: mpsc::Sender<Hint>,
    events: mpsc::Receiver<SignalEvent>,
    task: Option<JoinHandle<()>>,
}

impl Signal {
    /// Sends one frame; waits while the queue is full. A frame for a connection that has ended for
    /// good is dropped: the call then goes on without signaling.
    pub async fn send(&self, frame: &Outgoing) {
        let _ = self.outgoing.send(frame.to_text()).await;
    }

    /// Asks the server for fresh credentials; they come as an event.
    pub async fn ask_for_ice_servers(&self) {
        let _ = self.outgoing.send(shared::ice_servers_request()).await;
    }

    /// Packets to a peer are lost: whether the server is still reached is worth a look.
    pub fn doubt(&self) {
        let _ = self.hints.try_send(Hint::Doubt);
    }

    /// The addresses of this machine have changed: a connection from one that is gone is dead.
    pub fn moved(&self) {
        let _ = self.hints.try_send(Hint::Moved);
    }

    /// The next event; `None` once signaling has ended for good.
    pub async fn next(&mut self) -> Option<SignalEvent> {
        self.events.recv().await
    }

    /// Sends what is queued, then says goodbye; gives up after `patience`.
    pub async fn close(self, patience: Duration) {
        drop(self.outgoing);
        drop(self.events);
        if let Some(task) = self.task {
            let _ = tokio::time::timeout(patience, task).await;
        }
    }
}
