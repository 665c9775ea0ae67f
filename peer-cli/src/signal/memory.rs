//! Signaling without a server: two ends in one process, for the self test.

use shared::{App, Event, Incoming, Name, PeerId, PeerInfo, Role, Welcome};
use tokio::sync::mpsc;

use super::{Entered, HINTS, QUEUE, Signal, SignalEvent};

/// The two ends, each already in the room with the other: first the caller's, then the answerer's.
#[must_use]
pub fn pair(caller: &PeerId, answerer: &PeerId) -> (Signal, Signal) {
    let (caller_tx, to_caller) = mpsc::channel(QUEUE);
    let (answerer_tx, to_answerer) = mpsc::channel(QUEUE);
    let first = end(
        caller,
        (answerer, Role::Answer),
        &caller_tx,
        answerer_tx.clone(),
        to_caller,
    );
    let second = end(
        answerer,
        (caller, Role::Call),
        &answerer_tx,
        caller_tx,
        to_answerer,
    );
    (first, second)
}

fn end(
    me: &PeerId,
    (other, role): (&PeerId, Role),
    own: &mpsc::Sender<SignalEvent>,
    to_other: mpsc::Sender<SignalEvent>,
    events: mpsc::Receiver<SignalEvent>,
) -> Signal {
    let welcome = Welcome {
        id: me.clone(),
        room: None,
        peers: vec![PeerInfo {
            id: other.clone(),
            name: Name::new(other.as_str()).ok(),
            role: Some(role),
            app: Some(App::Call),
            origin: None,
        }],
        ice_servers: vec![],
    };
    // The queue is empty and holds more than one.
    let _ = own.try_send(SignalEvent::Entered(Entered::PeerV1(welcome)));
    let (outgoing, frames) = mpsc::channel(QUEUE);
    let task = tokio::spawn(forward(me.clone(), frames, to_other));
    Signal {
        outgoing,
        // No network can change what is in one process.
        hints: mpsc::channel(HINTS).0,
        events,
        task: Some(task),
    }
}

/// Does what a server does with a directed frame: reads it, and puts the sender on it.
async fn forward(
    me: PeerId,
    mut frames: mpsc::Receiver<String>,
    to_other: mpsc::Sender<SignalEvent>,
) {
    while let Some(text) = frames.recv().await {
        let event = match Incoming::parse(&text) {
            Ok(frame) if matches!(frame.event, Event::Server(_)) => continue,
            // Without `to` it is for the server, which there is not.
            Ok(frame) if frame.to.is_none() => continue,
            Ok(frame) => SignalEvent::Frame(Incoming {
                from: Some(me.clone()),
                ..frame
            }),
            Err(error) => SignalEvent::Malformed(error),
        };
        if to_other.send(event).await.is_err() {
            return;
        }
    }
}
