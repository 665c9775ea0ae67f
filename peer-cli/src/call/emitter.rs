//! The way from a call to the printer.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::event::{Event, Stamped};

/// Sends events, stamped with the time since the program's start; clones share the queue.
#[derive(Clone, Debug)]
pub struct Emitter {
    start: Instant,
    events: mpsc::Sender<Stamped>,
    /// Somebody wants to end: nothing waits for the printer any more.
    hurried: CancellationToken,
}

impl Emitter {
    /// An emitter into `events`; `start` is when the program began.
    #[must_use]
    pub fn new(start: Instant, events: mpsc::Sender<Stamped>) -> Self {
        Self {
            start,
            events,
            hurried: CancellationToken::new(),
        }
    }

    /// When the program began.
    #[must_use]
    pub fn start(&self) -> Instant {
        self.start
    }

    /// Hands one event to the printer; waits while its queue is full. Without a printer (a closed
    /// stdout), or once it is hurried and reads no more, events go nowhere.
    pub async fn emit(&self, event: Event) {
        let stamped = Stamped::new(self.start.elapsed(), event);
        tokio::select! {
            biased;
            _ = self.events.send(stamped) => {}
            () = self.hurried.cancelled() => {}
        }
    }

    /// From now on nothing waits for a printer that nobody reads.
    pub fn hurry(&self) {
        self.hurried.cancel();
    }

    /// Resolves once the printer has taken all that was handed to it, or shows that it will not.
    pub async fn drained(&self) {
        /// The last line is being printed when the queue is empty.
        const ONE_LINE: Duration = Duration::from_millis(10);
        const PATIENCE: u32 = 30;
        for _ in 0..PATIENCE {
            if self.events.capacity() == self.events.max_capacity() || self.events.is_closed() {
                break;
            }
            tokio::time::sleep(ONE_LINE).await;
        }
        tokio::time::sleep(ONE_LINE).await;
    }

    /// Resolves when nobody prints any more: stdout was closed.
    pub async fn closed(&self) {
        self.events.closed().await;
    }
}
