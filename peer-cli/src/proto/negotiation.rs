//! Offer and answer of one session (RFC 8829), as a machine without I/O.
//!
//! It keeps the order that both sides need: a description leaves before its candidates, and a
//! candidate is applied after the description it belongs to. Whoever drives it carries out each
//! [`Output`] in turn and feeds back what came of it.

use std::collections::VecDeque;

use shared::{Candidate, Description, PeerEvent, SdpType};

use super::sdp;

/// Candidates that wait for a description, each way; a real peer has a few dozen.
pub const MAX_WAITING: usize = 256;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// We shall offer.
    Start,
    /// The offer or answer asked for is made and set locally.
    Described(String),
    /// The description asked to be set is set.
    Accepted,
    /// What was asked for could not be done with the other side's description.
    Refused,
    /// The other side's offer, answer, candidate or end of candidates.
    Remote(PeerEvent),
    /// A candidate of ours.
    Local(Candidate),
    /// We have no more candidates.
    LocalEnd,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Make an offer, set it locally, feed it back as [`Input::Described`].
    MakeOffer,
    /// Set this offer, make and set an answer, feed it back as [`Input::Described`].
    MakeAnswer(String),
    /// Set this answer, feed back [`Input::Accepted`].
    SetAnswer(String),
    /// Give this candidate to the connection.
    AddCandidate(Candidate),
    /// Send this to the other side.
    Send(PeerEvent),
    /// Tell the user once: the other side is out of step.
    Complain(&'static str),
}

/// Where the session stands (the W3C signaling states, and the steps between).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing described yet.
    New,
    /// An offer is being made.
    MakingOffer,
    /// Our offer is out.
    Offered,
    /// Their offer is being set and an answer made.
    MakingAnswer,
    /// Their answer is being set.
    SettingAnswer,
    /// Both are described.
    Stable,
}

/// One session's machine.
#[derive(Debug)]
pub struct Negotiation {
    state: State,
    outputs: VecDeque<Output>,
    /// Theirs, that wait for their description.
    remote: VecDeque<Candidate>,
    /// Ours, that wait for our description to leave.
    local: VecDeque<PeerEvent>,
    /// Theirs since their last description: each may mean checks to an address of their choice.
    remote_count: usize,
    described: bool,
    remote_described: bool,
    local_ufrag: Option<String>,
    last_offer: Option<String>,
    complained: bool,
}

impl Default for Negotiation {
    fn default() -> Self {
        Self::new()
    }
}

impl Negotiation {
    /// A session in which nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::New,
            outputs: VecDeque::new(),
            remote: VecDeque::new(),
            local: VecDeque::new(),
            remote_count: 0,
            described: false,
            remote_described: false,
            local_ufrag: None,
            last_offer: None,
            complained: false,
        }
    }

    /// Whether both sides are described.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        self.state == State::Stable
    }

    /// Whether our offer is out and unanswered.
    #[must_use]
    pub fn is_offering(&self) -> bool {
        matches!(self.state, State::MakingOffer | State::Offered)
    }

    /// The next thing to do, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes one input.
    pub fn handle(&mut self, input: Input) {
        match input {
            Input::Start => self.start(),
            Input::Described(sdp) => self.on_described(sdp),
            Input::Accepted => self.on_accepted(),
            Input::Refused => self.on_refused(),
            Input::Remote(PeerEvent::Offer(offer)) => self.on_offer(offer.sdp),
            Input::Remote(PeerEvent::Answer(answer)) => self.on_answer(answer.sdp),
            Input::Remote(PeerEvent::Candidate(candidate)) => self.on_remote_candidate(candidate),
            // Nothing waits for their last candidate: checks go on with what there is.
            Input::Remote(_) => {}
            Input::Local(candidate) => self.on_local(PeerEvent::Candidate(candidate)),
            Input::LocalEnd => {
                let username_fragment = self.local_ufrag.clone();
                self.on_local(PeerEvent::CandidatesEnd { username_fragment });
            }
        }
    }

    fn start(&mut self) {
        if matches!(self.state, State::New | State::Stable) {
            self.state = State::MakingOffer;
            self.outputs.push_back(Output::MakeOffer);
        }
    }

    fn on_described(&mut self, sdp: String) {
        let kind = match self.state {
            State::MakingOffer => SdpType::Offer,
            State::MakingAnswer => SdpType::Answer,
            _ => return,
        };
        self.local_ufrag = sdp::ufrag(&sdp).map(str::to_owned);
        self.described = true;
        let description = Description { kind, sdp };
        if kind == SdpType::Offer {
            self.state = State::Offered;
            self.outputs
                .push_back(Output::Send(PeerEvent::Offer(description)));
        } else {
            self.state = State::Stable;
            self.outputs
                .push_back(Output::Send(PeerEvent::Answer(description)));
            self.remote_is_described();
        }
        let waiting = std::mem::take(&mut self.local);
        self.outputs.extend(waiting.into_iter().map(Output::Send));
    }

    fn on_accepted(&mut self) {
        if self.state == State::SettingAnswer {
            self.state = State::Stable;
            self.remote_is_described();
        }
    }

    fn on_refused(&mut self) {
        match self.state {
            // A good answer may still come: broadcast rooms hold more than one answerer.
            State::SettingAnswer => self.state = State::Offered,
            State::MakingAnswer if self.remote_described => self.state = State::Stable,
            State::MakingAnswer => {
                self.state = State::New;
                self.last_offer = None;
                // Those of a refused offer are dropped in silence.
                self.remote.clear();
            }
            _ => {}
        }
    }

    fn on_offer(&mut self, sdp: String) {
        let repeated = sdp::version(&sdp).is_some() && sdp::version(&sdp) == self.last_version();
        match self.state {
            _ if repeated => {}
            State::New | State::Stable => {
                self.state = State::MakingAnswer;
                self.last_offer = Some(sdp.clone());
                self.remote_count = self.remote.len();
                self.outputs.push_back(Output::MakeAnswer(sdp));
            }
            _ => self.complain("an offer came out of turn"),
        }
    }

    fn on_answer(&mut self, sdp: String) {
        match self.state {
            State::Offered => {
                self.state = State::SettingAnswer;
                self.outputs.push_back(Output::SetAnswer(sdp));
            }
            _ => self.complain("a second answer was ignored"),
        }
    }

    fn on_remote_candidate(&mut self, candidate: Candidate) {
        self.remote_count += 1;
        if self.remote_count > MAX_WAITING {
            self.complain("too many candidates");
        } else if self.remote_described {
            self.outputs.push_back(Output::AddCandidate(candidate));
        } else {
            self.remote.push_back(candidate);
        }
    }

    fn on_local(&mut self, event: PeerEvent) {
        if self.described {
            self.outputs.push_back(Output::Send(event));
        } else if self.local.len() < MAX_WAITING {
            self.local.push_back(event);
        }
    }

    fn remote_is_described(&mut self) {
        self.remote_described = true;
        let waiting = std::mem::take(&mut self.remote);
        self.outputs
            .extend(waiting.into_iter().map(Output::AddCandidate));
    }

    fn last_version(&self) -> Option<&str> {
        self.last_offer.as_deref().and_then(sdp::version)
    }

    fn complain(&mut self, what: &'static str) {
        if !self.complained {
            self.complained = true;
            self.outputs.push_back(Output::Complain(what));
        }
    }
}

#[cfg(test)]
mod tests;
