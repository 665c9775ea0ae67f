//! A session's negotiation, carried out: descriptions and candidates, each for the connection it
//! belongs to.

use std::time::{Duration, Instant};

use shared::{Candidate, PeerEvent as Wire};

use super::{Dialect, Effect, Link, Session};
use crate::call::words;
use crate::event::{Endpoint, EndpointType, Event, Protocol};
use crate::proto::negotiation::{Input, Output, Purpose};
use crate::proto::{recovery, sdp};
use crate::rtc::RtcError;

/// A peer may make us open so many connections within so long.
const MOST_SPARES: u32 = 8;
const SPARES_WITHIN: Duration = Duration::from_secs(5);

impl Session {
    /// Starts our offer, with the channels that the other side understands.
    pub(in crate::call) async fn start(&mut self) -> Vec<Effect> {
        if let Err(error) = self.link.open_channels(self.party.dialect).await {
            return vec![Effect::Broken(error.to_string())];
        }
        self.negotiate(Input::Offer(Purpose::Begin)).await
    }

    /// Feeds the negotiation and carries out what it decides.
    pub(in crate::call) async fn negotiate(&mut self, input: Input) -> Vec<Effect> {
        self.negotiation.handle(input);
        let mut effects = Vec::new();
        while let Some(output) = self.negotiation.poll_output() {
            self.carry_out(output, &mut effects).await;
        }
        effects
    }

    async fn carry_out(&mut self, output: Output, effects: &mut Vec<Effect>) {
        match output {
            Output::MakeOffer(purpose) => self.make_offer(purpose, effects).await,
            Output::MakeAnswer(offer) => self.make_answer(&offer, effects).await,
            Output::SetAnswer(answer) => self.set_answer(&answer, effects).await,
            Output::Rollback => self.roll_back(effects).await,
            Output::AddCandidate(candidate) => self.add(candidate, effects).await,
            Output::Send { event, generation } => {
                effects.push(self.frame(event, generation));
            }
            Output::Surplus => effects.push(Effect::Tell(words::surplus(&self.party.name))),
            Output::Complain(what) => effects.push(self.complaint(what)),
        }
    }

    async fn make_offer(&mut self, purpose: Purpose, effects: &mut Vec<Effect>) {
        let rebuilds = purpose == Purpose::Rebuild
            || (self.link.broken && self.party.dialect == Dialect::PeerV1);
        let purpose = match purpose {
            Purpose::Begin => Purpose::Begin,
            _ if rebuilds => Purpose::Rebuild,
            _ => Purpose::Restart,
        };
        let made = match purpose {
            Purpose::Begin => self.link.offer().await,
            Purpose::Restart => self.link.rtc.offer_restart().await,
            Purpose::Rebuild => self.offer_spare().await,
        };
        match made {
            Ok(sdp) => {
                self.offering = Some((purpose, sdp.clone()));
                self.negotiation.handle(Input::Described(sdp));
            }
            Err(error) => {
                self.negotiation.handle(Input::Refused);
                self.failed_to("offer", &error, effects);
            }
        }
    }

    async fn offer_spare(&mut self) -> Result<String, RtcError> {
        self.drop_spare();
        let mut spare = self.maker.open().await?;
        let offer = async {
            spare.open_channels(self.party.dialect).await?;
            spare.offer().await
        };
        match offer.await {
            Ok(offer) => {
                self.spare = Some(spare);
                Ok(offer)
            }
            Err(error) => {
                spare.retire(false);
                Err(error)
            }
        }
    }

    async fn make_answer(&mut self, offer: &str, effects: &mut Vec<Effect>) {
        let answered = match self.link_for(offer).await {
            Ok(link) => link.answer(offer).await,
            Err(error) => Err(error),
        };
        match answered {
            Ok(sdp) => {
                self.timing.described(Instant::now());
                self.recover(recovery::Input::TheirTurn);
                self.negotiation.handle(Input::Described(sdp));
            }
            Err(error) => {
                if self
                    .spare
                    .as_ref()
                    .is_some_and(|spare| spare.remote.is_none())
                {
                    self.drop_spare();
                }
                self.negotiation.handle(Input::Refused);
                self.failed_to("offer", &error, effects);
            }
        }
    }

    /// The connection that an offer is for: the one there is, or a new one beside it.
    async fn link_for(&mut self, offer: &str) -> Result<&mut Link, RtcError> {
        let identity = sdp::identity(offer);
        let known = self.link.remote.is_some();
        if !known || (self.link.remote == identity && !self.link.broken) {
            return Ok(&mut self.link);
        }
        let (since, count) = &mut self.spares_opened;
        if since.elapsed() > SPARES_WITHIN {
            (*since, *count) = (Instant::now(), 0);
        }
        *count += 1;
        if *count > MOST_SPARES {
            return Err(RtcError::TooOften);
        }
        self.drop_spare();
        let new = self.maker.open().await?;
        if self.was_connected() {
            return Ok(self.spare.insert(new));
        }
        // Nothing was up yet that could go on meanwhile.
        std::mem::replace(&mut self.link, new).retire(false);
        Ok(&mut self.link)
    }

    async fn set_answer(&mut self, answer: &str, effects: &mut Vec<Effect>) {
        let set = match (&self.offering, &mut self.spare) {
            (Some((Purpose::Restart, _)), _) if sdp::identity(answer) != self.link.remote => {
                Err(RtcError::Stranger)
            }
            (Some((Purpose::Restart, offer)), _) => self.link.accept_restart(offer, answer).await,
            (Some((Purpose::Rebuild, _)), Some(spare)) => spare.accept(answer).await,
            (Some((Purpose::Rebuild, _)), None) => Err(RtcError::NoRestart),
            _ => self.link.accept(answer).await,
        };
        match set {
            Ok(()) => {
                self.timing.described(Instant::now());
                self.offering = None;
                self.negotiation.handle(Input::Accepted);
            }
            Err(error) => {
                self.negotiation.handle(Input::Refused);
                self.failed_to("answer", &error, effects);
            }
        }
    }

    /// What the other side says cannot be used. That ends a session which has nothing else; one that
    /// is up makes the next attempt to find a path. A page may still answer better.
    fn failed_to(&mut self, what: &str, error: &RtcError, effects: &mut Vec<Effect>) {
        let waits = what == "answer" && self.party.dialect == Dialect::Tutorial;
        if !self.was_connected() && !waits {
            effects.push(Effect::Broken(format!("{what}: {error}")));
            return;
        }
        self.recover(recovery::Input::Failed);
        effects.push(self.complaint(&format!("{what}: {error}")));
    }

    async fn roll_back(&mut self, effects: &mut Vec<Effect>) {
        match self.offering.take() {
            Some((Purpose::Rebuild, _)) => self.drop_spare(),
            Some((Purpose::Restart, _)) => self.link.rtc.forget_restart(),
            _ => {
                if let Err(error) = self.link.rtc.rollback().await {
                    effects.push(Effect::Broken(error.to_string()));
                }
            }
        }
    }

    async fn add(&mut self, candidate: Candidate, effects: &mut Vec<Effect>) {
        if let Some(event) = self.candidate_event(&candidate, crate::event::Direction::Remote) {
            effects.push(Effect::Tell(event));
        }
        self.evidence.remote(Instant::now(), &candidate.candidate);
        let fits = |link: &&mut Link| {
            let named = candidate.username_fragment.is_some();
            !named || link.remote_ufrag == candidate.username_fragment
        };
        let Some(link) = self
            .spare
            .as_mut()
            .filter(fits)
            .or_else(|| Some(&mut self.link).filter(fits))
        else {
            return;
        };
        if let Err(error) = link.rtc.add_candidate(candidate).await {
            effects.push(self.complaint(&format!("candidate: {error}")));
        }
    }

    /// A candidate as an event; none for one that cannot be read.
    pub(in crate::call) fn candidate_event(
        &self,
        candidate: &Candidate,
        direction: crate::event::Direction,
    ) -> Option<Event> {
        let parts = sdp::candidate_parts(&candidate.candidate)?;
        let kind = match parts.kind {
            "host" => EndpointType::Host,
            "srflx" => EndpointType::Srflx,
            "prflx" => EndpointType::Prflx,
            "relay" => EndpointType::Relay,
            _ => return None,
        };
        let address = if parts.address.contains(':') {
            format!("[{}]:{}", parts.address, parts.port)
        } else {
            format!("{}:{}", parts.address, parts.port)
        };
        let protocol = if parts.protocol.eq_ignore_ascii_case("tcp") {
            Protocol::Tcp
        } else {
            Protocol::Udp
        };
        Some(Event::Candidate {
            peer: Some(self.party.peer.to_string()),
            direction,
            endpoint: Endpoint {
                kind,
                address,
                protocol,
            },
        })
    }

    fn frame(&mut self, event: Wire, generation: Option<u64>) -> Effect {
        let frame = shared::Outgoing {
            generation,
            ..self.outgoing(event)
        };
        if matches!(frame.event, Wire::Offer(_)) {
            self.offer = Some(frame.clone());
        }
        Effect::Frame(frame)
    }

    pub(in crate::call) fn complaint(&self, what: &str) -> Effect {
        Effect::Tell(words::malformed(self.party.peer.as_str(), what))
    }
}
