//! How soon a silent connection is given up, and how often a new one is tried: sooner where something
//! else says that the network has trouble.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Hint;

/// A server that may be out of reach answers a ping within this time, or is.
const DOUBTED: Duration = Duration::from_secs(2);
/// The same where an address of ours came or went: most likely the connection was bound to it. A
/// connection that is left in vain costs less than one that is waited for.
const MOVED: Duration = Duration::from_millis(300);

/// For so long after a hint, connections are tried often.
const HURRIED: Duration = Duration::from_secs(60);
/// A lost SYN is sent again after 1 s, 3 s, 7 s (RFC 6298 2): a new attempt is quicker.
const ATTEMPT: Duration = Duration::from_secs(2);
/// The longest wait between attempts.
const WAIT: Duration = Duration::from_millis(500);

/// Hints, and what follows from them.
pub(super) struct Haste {
    hints: mpsc::Receiver<Hint>,
    /// No hint will come any more.
    ended: bool,
    /// The ping that was sent must be answered by then.
    pub(super) deadline: Option<Instant>,
    until: Option<Instant>,
}

impl Haste {
    pub(super) fn new(hints: mpsc::Receiver<Hint>) -> Self {
        Self {
            hints,
            ended: false,
            deadline: None,
            until: None,
        }
    }

    /// The next hint.
    pub(super) async fn hint(&mut self) -> Hint {
        if !self.ended {
            if let Some(hint) = self.hints.recv().await {
                self.until = Some(Instant::now() + HURRIED);
                return hint;
            }
            self.ended = true;
        }
        std::future::pending().await
    }

    /// Resolves when another network has come: what was under way went by the old one.
    pub(super) async fn moved(&mut self) {
        while self.hint().await != Hint::Moved {}
    }

    /// A ping was sent because of this hint.
    pub(super) fn asked(&mut self, hint: Hint) {
        let patience = match hint {
            Hint::Doubt => DOUBTED,
            Hint::Moved => MOVED,
        };
        let deadline = Instant::now() + patience;
        self.deadline = Some(self.deadline.map_or(deadline, |known| known.min(deadline)));
    }

    /// How long an attempt to connect may take, if that is less than it may at all.
    pub(super) fn attempt(&self) -> Option<Duration> {
        self.is_hurried().then_some(ATTEMPT)
    }

    /// How long to wait for the next attempt.
    pub(super) fn wait(&self, wait: Duration) -> Duration {
        if self.is_hurried() {
            wait.min(WAIT)
        } else {
            wait
        }
    }

    fn is_hurried(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }
}

/// Resolves at this time; never without one.
pub(super) async fn due(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
