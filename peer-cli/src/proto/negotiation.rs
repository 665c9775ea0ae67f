//! Offer and answer of one session (RFC 8829) as a machine without I/O: perfect negotiation of
//! W3C webrtc-pc, on signaling that may lose and repeat.
//!
//! It keeps the order that both sides need: a description leaves before its candidates, and a
//! candidate is applied after the description it belongs to. Whoever drives it carries out each
//! [`Output`] in turn and feeds back what came of it; until then other inputs wait (the operations
//! chain of webrtc-pc).

mod candidates;
mod step;

use std::collections::VecDeque;

use shared::{Description, PeerEvent, SdpType};

use super::sdp;
use candidates::{Fate, Local, Remote};
pub use candidates::{MAX_REMOTE, MAX_WAITING};
pub use step::{Input, Output, Purpose};

/// Inputs that wait for a step to be done.
const MAX_CHAIN: usize = 2 * MAX_WAITING;

/// An offer of ours that is out.
#[derive(Clone, Debug)]
struct Offered {
    generation: u64,
    sdp: String,
}

/// An offer of theirs, and how we answered it.
#[derive(Clone, Debug)]
struct Answered {
    generation: Option<u64>,
    offer: String,
    answer: String,
    /// No offer of ours was accepted since.
    is_last: bool,
}

/// Where the session stands: the W3C signaling states, and the steps between.
#[derive(Debug)]
enum State {
    /// No offer is out.
    Stable,
    /// An offer is being made.
    MakingOffer(u64),
    /// Our offer is out.
    HaveLocalOffer(Offered),
    /// Their answer to our offer is being set.
    SettingAnswer(Offered, String),
    /// Their offer is being set and an answer made.
    MakingAnswer(Option<u64>, String),
}

/// One session's machine.
#[derive(Debug)]
pub struct Negotiation {
    /// We make way when offers cross.
    polite: bool,
    state: State,
    outputs: VecDeque<Output>,
    chain: VecDeque<Input>,
    remote: Remote,
    local: Local,
    /// How many offers we have made.
    offers: u64,
    /// The last offer of theirs that we answered.
    answered: Option<Answered>,
    /// The last answer of theirs that was set, and to which offer.
    accepted: Option<(u64, String)>,
    complained: bool,
    told_surplus: bool,
}

impl Negotiation {
    /// A session in which nothing has happened; the polite side makes way when offers cross.
    #[must_use]
    pub fn new(polite: bool) -> Self {
        Self {
            polite,
            state: State::Stable,
            outputs: VecDeque::new(),
            chain: VecDeque::new(),
            remote: Remote::default(),
            local: Local::default(),
            offers: 0,
            answered: None,
            accepted: None,
            complained: false,
            told_surplus: false,
        }
    }

    /// Whether an offer was ever answered, by either side.
    #[must_use]
    pub fn is_agreed(&self) -> bool {
        self.answered.is_some() || self.accepted.is_some()
    }

    /// Whether an offer of ours is out and unanswered.
    #[must_use]
    pub fn is_offering(&self) -> bool {
        matches!(self.state, State::MakingOffer(_) | State::HaveLocalOffer(_))
    }

    /// The next thing to do, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes one input.
    pub fn handle(&mut self, input: Input) {
        let is_step = matches!(
            input,
            Input::Described(_) | Input::Accepted | Input::Refused
        );
        if self.is_busy() && !is_step {
            if self.chain.len() < MAX_CHAIN {
                self.chain.push_back(input);
            }
            return;
        }
        self.take(input);
        while !self.is_busy()
            && let Some(input) = self.chain.pop_front()
        {
            self.take(input);
        }
    }

    fn is_busy(&self) -> bool {
        !matches!(self.state, State::Stable | State::HaveLocalOffer(_))
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Offer(purpose) => self.offer(purpose),
            Input::Described(sdp) => self.on_described(sdp),
            Input::Accepted => self.on_accepted(),
            Input::Refused => self.on_refused(),
            Input::Remote { event, generation } => match event {
                PeerEvent::Offer(offer) => {
                    let sdp = self.bounded(offer.sdp);
                    self.on_offer(sdp, generation);
                }
                PeerEvent::Answer(answer) => {
                    let sdp = self.bounded(answer.sdp);
                    self.on_answer(sdp, generation);
                }
                PeerEvent::Candidate(candidate) => {
                    let fate = self.remote.add(candidate);
                    self.carry_out(fate);
                }
                // Nothing waits for their last candidate: checks go on with what there is.
                _ => {}
            },
            Input::Local(candidate) => self.on_local(PeerEvent::Candidate(candidate)),
            Input::LocalEnd(username_fragment) => {
                self.on_local(PeerEvent::CandidatesEnd { username_fragment });
            }
            Input::Resend => self.resend(),
        }
    }

    fn offer(&mut self, purpose: Purpose) {
        if matches!(self.state, State::HaveLocalOffer(_)) {
            self.outputs.push_back(Output::Rollback);
        }
        self.offers += 1;
        self.state = State::MakingOffer(self.offers);
        self.outputs.push_back(Output::MakeOffer(purpose));
    }

    fn on_described(&mut self, sdp: String) {
        match std::mem::replace(&mut self.state, State::Stable) {
            State::MakingOffer(generation) => {
                let offered = Offered { generation, sdp };
                self.send_offer(&offered);
                self.describe_locally(&offered.sdp);
                self.state = State::HaveLocalOffer(offered);
            }
            State::MakingAnswer(generation, offer) => {
                let answered = Answered {
                    generation,
                    offer,
                    answer: sdp,
                    is_last: true,
                };
                self.send_answer(&answered);
                self.describe_locally(&answered.answer);
                self.describe_remotely(&answered.offer);
                self.answered = Some(answered);
            }
            other => self.state = other,
        }
    }

    fn on_accepted(&mut self) {
        match std::mem::replace(&mut self.state, State::Stable) {
            State::SettingAnswer(offered, answer) => {
                self.describe_remotely(&answer);
                self.accepted = Some((offered.generation, answer));
                if let Some(answered) = &mut self.answered {
                    answered.is_last = false;
                }
            }
            other => self.state = other,
        }
    }

    fn on_refused(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Stable) {
            // A good answer may still come: broadcast rooms hold more than one answerer.
            State::SettingAnswer(offered, _) => State::HaveLocalOffer(offered),
            // Those of a refused offer are dropped in silence.
            State::MakingAnswer(_, offer) => {
                self.remote.forget(sdp::ufrag(&offer));
                State::Stable
            }
            State::MakingOffer(_) => State::Stable,
            other => other,
        };
    }

    fn on_offer(&mut self, sdp: String, generation: Option<u64>) {
        if let Some(answered) = &self.answered {
            let repeated = match (generation, answered.generation) {
                (Some(new), Some(last)) if new < last => return,
                (Some(new), Some(last)) => new == last,
                _ => {
                    let version = sdp::version(&sdp);
                    version.is_some() && version == sdp::version(&answered.offer)
                }
            };
            if repeated {
                return self.answer_again();
            }
        }
        match std::mem::replace(&mut self.state, State::Stable) {
            // Theirs crosses ours: they will make way.
            State::HaveLocalOffer(offered) if !self.polite => {
                self.state = State::HaveLocalOffer(offered);
                return;
            }
            State::HaveLocalOffer(_) => self.outputs.push_back(Output::Rollback),
            _ => {}
        }
        self.state = State::MakingAnswer(generation, sdp.clone());
        self.outputs.push_back(Output::MakeAnswer(sdp));
    }

    /// An offer that we answered came once more: our answer may be lost, and what followed it.
    fn answer_again(&mut self) {
        if let Some(answered) = self.answered.clone().filter(|answered| answered.is_last) {
            self.send_answer(&answered);
            self.resend_offer_or_candidates();
        }
    }

    fn on_answer(&mut self, sdp: String, generation: Option<u64>) {
        let repeated = self.accepted.as_ref().is_some_and(|(_, last)| *last == sdp);
        match std::mem::replace(&mut self.state, State::Stable) {
            State::HaveLocalOffer(offered)
                if !repeated && generation.is_none_or(|number| number == offered.generation) =>
            {
                self.state = State::SettingAnswer(offered, sdp.clone());
                self.outputs.push_back(Output::SetAnswer(sdp));
            }
            before => {
                self.state = before;
                match generation {
                    Some(number) => self.on_late_answer(number),
                    None if repeated => {}
                    None => self.complain("a second answer was ignored"),
                }
            }
        }
    }

    /// An answer to an offer of ours that is not out any more. Had it made way to theirs, and theirs
    /// was answered, the two believe in different pairs of descriptions now: a new offer ends that.
    fn on_late_answer(&mut self, number: u64) {
        let last = self.accepted.as_ref().map_or(0, |(number, _)| *number);
        if matches!(self.state, State::Stable) && last < number && number <= self.offers {
            self.offer(Purpose::Restart);
        }
    }

    fn on_local(&mut self, event: PeerEvent) {
        if let Some(event) = self.local.add(event) {
            self.send(event, None);
        }
    }

    fn resend(&mut self) {
        // Without numbers, as a tutorial page has none, it would not know the repeat for one.
        if let Some(answered) = self
            .answered
            .clone()
            .filter(|a| a.is_last && a.generation.is_some())
        {
            self.send_answer(&answered);
        }
        self.resend_offer_or_candidates();
    }

    fn resend_offer_or_candidates(&mut self) {
        if let State::HaveLocalOffer(offered) = &self.state {
            let offered = offered.clone();
            self.send_offer(&offered);
        }
        for event in self.local.sent().to_vec() {
            self.send(event, None);
        }
    }

    fn describe_locally(&mut self, sdp: &str) {
        for event in self.local.describe(sdp::ufrag(sdp)) {
            self.send(event, None);
        }
    }

    fn describe_remotely(&mut self, sdp: &str) {
        for fate in self.remote.describe(sdp) {
            self.carry_out(fate);
        }
    }

    fn carry_out(&mut self, fate: Fate) {
        match fate {
            Fate::Apply(candidate) => self.outputs.push_back(Output::AddCandidate(candidate)),
            Fate::Kept => {}
            Fate::TooMany => self.tell_surplus(),
        }
    }

    /// Their description with as many candidates as are used.
    fn bounded(&mut self, sdp: String) -> String {
        let (sdp, surplus) = self.remote.bounded(sdp);
        if surplus {
            self.tell_surplus();
        }
        sdp
    }

    fn tell_surplus(&mut self) {
        if !std::mem::replace(&mut self.told_surplus, true) {
            self.outputs.push_back(Output::Surplus);
        }
    }

    fn send_offer(&mut self, offered: &Offered) {
        let description = Description {
            kind: SdpType::Offer,
            sdp: offered.sdp.clone(),
        };
        self.send(PeerEvent::Offer(description), Some(offered.generation));
    }

    fn send_answer(&mut self, answered: &Answered) {
        let description = Description {
            kind: SdpType::Answer,
            sdp: answered.answer.clone(),
        };
        self.send(PeerEvent::Answer(description), answered.generation);
    }

    fn send(&mut self, event: PeerEvent, generation: Option<u64>) {
        self.outputs.push_back(Output::Send { event, generation });
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
