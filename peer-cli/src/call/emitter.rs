//! The way from a call to the printer.

use std::time::Instant;

use tokio::sync::mpsc;

use crate::event::{Event, Stamped};

/// Sends events, stamped with the time since the program's start; clones share the queue.
#[derive(Clone, Debug)]
pub struct Emitter {
    start: Instant,
    events: mpsc::Sender<Stamped>,
}

impl Emitter {
    /// An emitter into `events`; `start` is when the program began.
    #[must_use]
    pub fn new(start: Instant, events: mpsc::Sender<Stamped>) -> Self {
        Self { start, events }
    }

    /// When the program began.
    #[must_use]
    pub fn start(&self) -> Instant {
        self.start
    }

    /// Hands one event to the printer; waits while its queue is full. Without a printer (a closed
    /// stdout) events go nowhere.
    pub async fn emit(&self, event: Event) {
        let _ = self
            .events
            .send(Stamped::new(self.start.elapsed(), event))
            .await;
    }

    /// Resolves once the printer has taken all that was handed to it.
    pub async fn drained(&self) {
        /// The last line is being printed when the queue is empty.
        const ONE_LINE: std::time::Duration = std::time::Duration::from_millis(10);
        while self.events.capacity() < self.events.max_capacity() && !self.events.is_closed() {
            tokio::time::sleep(ONE_LINE).await;
        }
        tokio::time::sleep(ONE_LINE).await;
    }

    /// Resolves when nobody prints any more: stdout was closed.
    pub async fn closed(&self) {
        self.events.closed().await;
    }
}
