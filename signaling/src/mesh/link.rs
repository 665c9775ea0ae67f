//! What has come of the numbered messages of one server to another, and what is missing.

use std::collections::HashSet;
use std::time::Instant;

use shared::PeerId;

/// Our end of what we say to one server.
pub(super) struct Outgoing {
    /// Of the list of members that was said last.
    pub(super) session: u64,
    /// Of the next message.
    pub(super) seq: u64,
    /// When that list was begun.
    pub(super) begun: Instant,
}

/// What we have heard of it.
#[derive(Default)]
pub(super) struct Incoming {
    pub(super) session: u64,
    next: Option<u64>,
    state: State,
}

#[derive(Default)]
enum State {
    /// Something is missing: who is there must be said again, and until then only letters count.
    #[default]
    Broken,
    /// The list is being said; of those who are in it so far.
    Filling(HashSet<PeerId>),
    /// It was, and every change since.
    Current,
}

/// What to make of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It was heard already, or is of a list that was begun anew since.
    Repeated,
    /// It is the next one.
    InOrder,
    /// Something before it is missing.
    Loose,
}

impl Incoming {
    /// Takes note of it; also how many before it have not come.
    pub(super) fn check(&mut self, session: u64, seq: u64, begins: bool) -> (Fit, u64) {
        if session < self.session {
            return (Fit::Repeated, 0);
        }
        // The other side begins to count anew when it has forgotten us.
        let anew = begins && session > self.session;
        let next = match self.next {
            Some(next) if seq < next && !anew => return (Fit::Repeated, 0),
            Some(next) if seq >= next => next,
            _ => seq,
        };
        let lost = seq - next;
        self.next = Some(seq.saturating_add(1));
        if anew {
            self.state = State::Filling(HashSet::new());
        } else if lost > 0 || session > self.session {
            self.state = State::Broken;
        }
        self.session = session;
        match self.state {
            State::Broken => (Fit::Loose, lost),
            _ => (Fit::InOrder, lost),
        }
    }

    /// Somebody is there who is in the list.
    pub(super) fn listed(&mut self, id: &PeerId) {
        if let State::Filling(listed) = &mut self.state {
            listed.insert(id.clone());
        }
    }

    /// The list is complete: who is in it, if it was not already.
    pub(super) fn filled(&mut self) -> Option<HashSet<PeerId>> {
        let State::Filling(listed) = &mut self.state else {
            return None;
        };
        let listed = std::mem::take(listed);
        self.state = State::Current;
        Some(listed)
    }

    /// Who is there is known, and nothing is missing.
    pub(super) fn is_current(&self) -> bool {
        matches!(self.state, State::Current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(steps: &[(u64, u64, bool)]) -> Vec<(Fit, u64)> {
        let mut link = Incoming::default();
        let each = steps.iter();
        each.map(|(session, seq, begins)| link.check(*session, *seq, *begins))
            .collect()
    }

    #[test]
    fn what_is_missing_is_counted_once() {
        let steps = [
            (1, 0, true),
            (1, 1, false),
            (1, 4, false),
            (1, 2, false),
            (1, 5, false),
            (2, 8, true),
            (2, 9, false),
            (1, 10, false),
        ];
        assert_eq!(
            heard(&steps),
            [
                (Fit::InOrder, 0),
                (Fit::InOrder, 0),
                (Fit::Loose, 2),
                (Fit::Repeated, 0),
                (Fit::Loose, 0),
                (Fit::InOrder, 2),
                (Fit::InOrder, 0),
                (Fit::Repeated, 0),
            ]
        );
    }

    #[test]
    fn whoever_comes_late_asks_and_who_counts_anew_is_believed() {
        let steps = [(3, 70, false), (4, 71, true), (5, 0, true), (6, 3, false)];
        assert_eq!(
            heard(&steps),
            [
                (Fit::Loose, 0),
                (Fit::InOrder, 0),
                (Fit::InOrder, 0),
                (Fit::Loose, 2)
            ]
        );
    }
}
