//! The candidates of a session, ours and theirs, each with the ICE generation it belongs to (RFC 8838).

use std::collections::VecDeque;

use shared::{Candidate, PeerEvent};

use crate::proto::sdp;

/// Candidates that wait for a description, each way; a real peer has a few dozen.
pub const MAX_WAITING: usize = 256;

/// Candidates of theirs that are used with one description, those inside of it included: each means checks to an address
/// of their choice.
pub const MAX_REMOTE: usize = 64;

/// What became of a candidate of theirs.
#[derive(Debug, PartialEq)]
pub(super) enum Fate {
    /// It belongs to their description: apply it.
    Apply(Candidate),
    /// It waits, or was there before.
    Kept,
    /// One too many for this description.
    TooMany,
}

/// Theirs.
#[derive(Debug, Default)]
pub(super) struct Remote {
    /// The generation of their description, once there is one.
    described: Option<Option<String>>,
    /// The candidate lines that are in use, also those that stood in the description.
    applied: Vec<String>,
    /// For descriptions that have not come; the oldest makes way.
    pub(super) waiting: VecDeque<Candidate>,
}

impl Remote {
    /// Takes one.
    pub(super) fn add(&mut self, candidate: Candidate) -> Fate {
        if !self.fits(&candidate) {
            if !self.waiting.contains(&candidate) {
                self.waiting.push_back(candidate);
            }
            if self.waiting.len() > MAX_WAITING {
                self.waiting.pop_front();
            }
            return Fate::Kept;
        }
        // One way to be reached, whatever section it is written to.
        if self.applied.contains(&candidate.candidate) {
            return Fate::Kept;
        }
        if self.applied.len() >= MAX_REMOTE {
            return Fate::TooMany;
        }
        self.applied.push(candidate.candidate.clone());
        Fate::Apply(candidate)
    }

    /// Their description without the candidates that are too many, and whether there were any.
    pub(super) fn bounded(&self, sdp: String) -> (String, bool) {
        let same = self.described == Some(sdp::ufrag(&sdp).map(str::to_owned));
        let known = if same { &self.applied[..] } else { &[] };
        match sdp::with_candidates_at_most(&sdp, MAX_REMOTE, known) {
            Some(less) => (less, true),
            None => (sdp, false),
        }
    }

    /// Their description is set: those that waited for it.
    pub(super) fn describe(&mut self, description: &str) -> Vec<Fate> {
        let ufrag = sdp::ufrag(description).map(str::to_owned);
        if let Some(before) = self.described.replace(ufrag)
            && Some(&before) != self.described.as_ref()
        {
            self.applied.clear();
            self.waiting
                .retain(|c| before.is_none() || c.username_fragment != before);
        }
        for line in sdp::candidates(description) {
            if !self.applied.iter().any(|known| known == line) {
                self.applied.push(line.to_owned());
            }
        }
        let waiting = std::mem::take(&mut self.waiting);
        waiting
            .into_iter()
            .map(|candidate| self.add(candidate))
            .collect()
    }

    /// A description is refused: its candidates go with it.
    pub(super) fn forget(&mut self, ufrag: Option<&str>) {
        self.waiting
            .retain(|candidate| match candidate.username_fragment.as_deref() {
                Some(named) => Some(named) != ufrag,
                None => self.described.is_some(),
            });
    }

    /// A candidate that names no generation belongs to the description there is.
    fn fits(&self, candidate: &Candidate) -> bool {
        match (&self.described, &candidate.username_fragment) {
            (None, _) => false,
            (Some(None), _) | (Some(_), None) => true,
            (Some(current), named) => current == named,
        }
    }
}

/// Ours.
#[derive(Debug, Default)]
pub(super) struct Local {
    /// The generation of our last description.
    ufrag: Option<String>,
    described: bool,
    /// What was said of this generation, for those who missed it.
    sent: Vec<PeerEvent>,
    /// Found before our description.
    pub(super) waiting: VecDeque<PeerEvent>,
}

impl Local {
    /// Our description is on its way: what follows it.
    pub(super) fn describe(&mut self, ufrag: Option<&str>) -> Vec<PeerEvent> {
        self.described = true;
        self.ufrag = ufrag.map(str::to_owned);
        self.sent.clear();
        let waiting = std::mem::take(&mut self.waiting);
        waiting
            .into_iter()
            .filter_map(|event| self.add(event))
            .collect()
    }

    /// Takes one, or the end of them; gives it back when it can leave.
    pub(super) fn add(&mut self, mut event: PeerEvent) -> Option<PeerEvent> {
        if !self.described {
            if self.waiting.len() < MAX_WAITING {
                self.waiting.push_back(event);
            }
            return None;
        }
        let (PeerEvent::Candidate(Candidate {
            username_fragment, ..
        })
        | PeerEvent::CandidatesEnd { username_fragment }) = &mut event
        else {
            return None;
        };
        // One of a generation that is over reaches nobody.
        if username_fragment.is_some() && *username_fragment != self.ufrag {
            return None;
        }
        username_fragment.clone_from(&self.ufrag);
        if self.sent.len() < MAX_WAITING {
            self.sent.push(event.clone());
        }
        Some(event)
    }

    /// All that was said of this generation.
    pub(super) fn sent(&self) -> &[PeerEvent] {
        &self.sent
    }
}
