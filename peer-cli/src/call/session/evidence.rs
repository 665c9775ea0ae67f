//! What a session has seen of both sides' candidates, for when no path is found.

use std::time::{Duration, Instant};

use crate::proto::diagnosis::Gathered;

/// Both sides have named all they have, and for so long no pair has worked: none will. A check takes a round trip, and
/// the other side starts with its own at most one way through the server later.
const PATIENCE: Duration = Duration::from_secs(3);
/// The same where the other side does not say whether more will come.
const UNTOLD: Duration = Duration::from_secs(10);

/// Candidates and their ends.
pub(in crate::call) struct Evidence {
    pub(in crate::call) ours: Gathered,
    pub(in crate::call) theirs: Gathered,
    /// What TURN servers said instead of relaying.
    pub(in crate::call) relay_failures: Vec<String>,
    ours_ended: bool,
    theirs_ended: bool,
    /// The last candidate, or the answer, came at this time.
    changed: Instant,
}

impl Evidence {
    pub(in crate::call) fn new(now: Instant) -> Self {
        Self {
            ours: Gathered::default(),
            theirs: Gathered::default(),
            relay_failures: Vec::new(),
            ours_ended: false,
            theirs_ended: false,
            changed: now,
        }
    }

    /// One of ours.
    pub(in crate::call) fn local(&mut self, now: Instant, line: &str) {
        self.ours.add(line);
        self.changed = now;
    }

    /// One of theirs.
    pub(in crate::call) fn remote(&mut self, now: Instant, line: &str) {
        self.theirs.add(line);
        self.changed = now;
    }

    /// We have no more.
    pub(in crate::call) fn local_end(&mut self) {
        self.ours_ended = true;
    }

    /// They have no more.
    pub(in crate::call) fn remote_end(&mut self) {
        self.theirs_ended = true;
    }

    /// When there is no hope left, as far as is known now.
    pub(in crate::call) fn hopeless_at(&self) -> Option<Instant> {
        let patience = match self.theirs_ended {
            // As with relays only, none of which relays.
            _ if self.ours.is_empty() => Duration::ZERO,
            true => PATIENCE,
            false => UNTOLD,
        };
        self.ours_ended.then(|| self.changed + patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hope_ends_when_both_have_told_all() {
        let start = Instant::now();
        let mut evidence = Evidence::new(start);
        assert_eq!(evidence.hopeless_at(), None);
        evidence.local_end();
        assert_eq!(evidence.hopeless_at(), Some(start), "nothing to try with");
        evidence.local(start, "candidate:1 1 udp 1 192.0.2.2 5 typ host");
        assert_eq!(evidence.hopeless_at(), Some(start + UNTOLD));
        evidence.remote_end();
        assert_eq!(evidence.hopeless_at(), Some(start + PATIENCE));
        let later = start + Duration::from_secs(1);
        evidence.remote(later, "candidate:1 1 udp 1 192.0.2.1 5 typ host");
        assert_eq!(evidence.hopeless_at(), Some(later + PATIENCE));
    }
}
