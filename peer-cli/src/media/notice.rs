//! Events on their way out of a sound thread, which never waits for whoever reads them.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::MediaEvent;

/// Events kept while the reader is busy; beyond that the newest are lost and logged.
const MOST: usize = 256;
/// How often delivery is tried again while nothing else wakes the thread.
pub(super) const RETRY: Duration = Duration::from_millis(20);

/// The events of one thread, in order.
#[derive(Debug)]
pub(super) struct Notices {
    sender: Sender<MediaEvent>,
    waiting: VecDeque<MediaEvent>,
}

impl Notices {
    pub(super) fn new(sender: Sender<MediaEvent>) -> Notices {
        Notices {
            sender,
            waiting: VecDeque::new(),
        }
    }

    pub(super) fn send(&mut self, event: MediaEvent) {
        if self.waiting.len() == MOST {
            tracing::warn!(?event, "event lost: nobody reads them");
            return;
        }
        self.waiting.push_back(event);
        self.flush();
    }

    /// Delivers what can be delivered; true if something still waits.
    pub(super) fn flush(&mut self) -> bool {
        while let Some(event) = self.waiting.pop_front() {
            match self.sender.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(event);
                    return true;
                }
                Err(TrySendError::Closed(_)) => self.waiting.clear(),
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_delays_events_and_keeps_their_order() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let mut notices = Notices::new(sender);
        for clock_us in 0..3 {
            notices.send(MediaEvent::CaptureStarted { clock_us });
        }
        for clock_us in 0..3 {
            assert_eq!(
                receiver.try_recv().ok(),
                Some(MediaEvent::CaptureStarted { clock_us })
            );
            assert_eq!(notices.flush(), clock_us < 1);
        }
        drop(receiver);
        notices.send(MediaEvent::CaptureEnded);
        assert!(!notices.flush());
    }
}
