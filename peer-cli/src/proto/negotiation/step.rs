//! What goes into a negotiation, and what comes out.

use shared::{Candidate, PeerEvent};

/// What an offer is for; the machine only passes it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To begin.
    Begin,
    /// New ICE credentials for the same connection (RFC 8445 9).
    Restart,
    /// A new connection in place of one that no restart can help.
    Rebuild,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// We want to offer; an offer of ours that is still unanswered is replaced.
    Offer(Purpose),
    /// The offer or answer asked for is made.
    Described(String),
    /// The description asked to be set is set.
    Accepted,
    /// What was asked for could not be done.
    Refused,
    /// The other side's offer, answer, candidate or end of candidates.
    Remote {
        /// What it is.
        event: PeerEvent,
        /// The number of the offer that this is, or answers.
        generation: Option<u64>,
    },
    /// A candidate of ours.
    Local(Candidate),
    /// We have no more candidates of this generation.
    LocalEnd(Option<String>),
    /// What we said last may be lost: signaling is back, or the other side came anew.
    Resend,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Make an offer, feed it back as [`Input::Described`].
    MakeOffer(Purpose),
    /// Set this offer, make and set an answer, feed it back as [`Input::Described`].
    MakeAnswer(String),
    /// Set this answer, feed back [`Input::Accepted`].
    SetAnswer(String),
    /// Our offer makes way: forget it, the connection is as it was before it.
    Rollback,
    /// Give this candidate to the connection.
    AddCandidate(Candidate),
    /// Send this to the other side.
    Send {
        /// What.
        event: PeerEvent,
        /// With this number.
        generation: Option<u64>,
    },
    /// Tell the user once: the other side has more than [`super::MAX_REMOTE`] candidates, and the rest is left out.
    Surplus,
    /// Tell the user once: the other side is out of step.
    Complain(&'static str),
}
