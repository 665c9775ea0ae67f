//! One call's sound: what the metronome sends and the network brings back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use peer_cli::proto::packet::{Codec, Packet};
use tokio::sync::mpsc;

use crate::ear::{Count, Ear};

/// Packets on their way to the network; a full queue loses them, and they count as lost.
const QUEUE: usize = 64;
/// Samples of 20 ms at 48 kHz.
const SAMPLES: u32 = 960;

/// Clones are the same call's.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    leaving: mpsc::Sender<Packet>,
    // Held for a few microseconds and never across an await.
    ear: Arc<Mutex<Ear>>,
}

impl Line {
    /// A line that sends these, and what comes out of it.
    pub(crate) fn new(packets: Arc<[Bytes]>) -> (Self, mpsc::Receiver<Packet>) {
        let (leaving, packets_out) = mpsc::channel(QUEUE);
        let ear = Arc::new(Mutex::new(Ear::new(packets)));
        (Self { leaving, ear }, packets_out)
    }

    /// Sends the next packet; never waits.
    pub(crate) fn send(&self, now: Instant) {
        let (index, payload) = self.ear().send(now);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "sequence numbers and timestamps wrap"
        )]
        let packet = Packet {
            sequence: index as u16,
            timestamp: (index as u32).wrapping_mul(SAMPLES),
            ssrc: 0,
            marker: index == 0,
            codec: Codec::Opus,
            payload,
            arrival: now,
        };
        // Lost here is lost.
        let _ = self.leaving.try_send(packet);
    }

    /// Listens until the connection is gone.
    pub(crate) async fn listen(self, mut arriving: mpsc::Receiver<Packet>) {
        while let Some(packet) = arriving.recv().await {
            self.ear()
                .hear(packet.arrival, packet.sequence, &packet.payload);
        }
    }

    /// From now on it counts.
    pub(crate) fn begin(&self) {
        self.ear().begin();
    }

    /// What is sent from now on does not count any more.
    pub(crate) fn end(&self) {
        self.ear().end();
    }

    /// What was found.
    pub(crate) fn count(&self) -> Count {
        self.ear().count().clone()
    }

    fn ear(&self) -> MutexGuard<'_, Ear> {
        // Figures have no half-done state that a panic elsewhere could leave behind.
        self.ear.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
