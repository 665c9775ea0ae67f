//! A session's negotiation, carried out: descriptions and candidates.

use std::time::Instant;

use shared::{Candidate, PeerEvent as Wire};

use super::{CHAT, CONTROL, Dialect, Effect, Session};
use crate::call::words;
use crate::event::{Endpoint, EndpointType, Event, Protocol};
use crate::proto::negotiation::{Input, Output};
use crate::proto::sdp;
use crate::rtc::RtcError;

impl Session {
    /// Starts our offer, with the channels that the other side understands.
    pub(in crate::call) async fn start(&mut self) -> Vec<Effect> {
        if let Err(error) = self.open_channels().await {
            return vec![Effect::Broken(error.to_string())];
        }
        self.negotiation.handle(Input::Start);
        self.work().await
    }

    async fn open_channels(&self) -> Result<(), RtcError> {
        if self.party.dialect == Dialect::PeerV1 {
            self.rtc.open_channel(CONTROL, shared::SUBPROTOCOL).await?;
            return self.rtc.open_channel(CHAT, shared::SUBPROTOCOL).await;
        }
        self.rtc.open_channel(CHAT, "").await
    }

    /// Feeds the negotiation and carries out what it decides.
    pub(in crate::call) async fn negotiate(&mut self, input: Input) -> Vec<Effect> {
        if let Input::Remote(Wire::Offer(description) | Wire::Answer(description)) = &input
            && !self.negotiation.is_stable()
        {
            self.remote = sdp::identity(&description.sdp);
            self.needs_channel = description.sdp.contains("m=application");
        }
        self.negotiation.handle(input);
        self.work().await
    }

    async fn work(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(output) = self.negotiation.poll_output() {
            match output {
                Output::MakeOffer => match self.rtc.offer().await {
                    Ok(sdp) => self.negotiation.handle(Input::Described(sdp)),
                    Err(error) => effects.push(Effect::Broken(error.to_string())),
                },
                Output::MakeAnswer(offer) => match self.rtc.answer(&offer).await {
                    Ok(sdp) => {
                        self.timing.described(Instant::now());
                        self.negotiation.handle(Input::Described(sdp));
                    }
                    Err(error) => {
                        self.negotiation.handle(Input::Refused);
                        effects.push(self.unusable("offer", &error));
                    }
                },
                Output::SetAnswer(answer) => match self.rtc.accept(&answer).await {
                    Ok(()) => {
                        self.timing.described(Instant::now());
                        self.negotiation.handle(Input::Accepted);
                    }
                    Err(error) => {
                        self.negotiation.handle(Input::Refused);
                        effects.push(
                            if self.party.dialect == Dialect::PeerV1 && !self.was_connected() {
                                Effect::Broken(format!("answer: {error}"))
                            } else {
                                self.complaint(&format!("answer: {error}"))
                            },
                        );
                    }
                },
                Output::AddCandidate(candidate) => self.add(candidate, &mut effects).await,
                Output::Send(event) => effects.push(self.frame(event)),
                Output::Complain(what) => effects.push(self.complaint(what)),
            }
        }
        effects
    }

    /// An offer that cannot be answered ends a session that has nothing else.
    fn unusable(&self, what: &str, error: &RtcError) -> Effect {
        if self.was_connected() {
            self.complaint(&format!("{what}: {error}"))
        } else {
            Effect::Broken(format!("{what}: {error}"))
        }
    }

    async fn add(&mut self, candidate: Candidate, effects: &mut Vec<Effect>) {
        if let Some(event) = self.candidate_event(&candidate, crate::event::Direction::Remote) {
            effects.push(Effect::Tell(event));
        }
        self.evidence.remote(Instant::now(), &candidate.candidate);
        if let Err(error) = self.rtc.add_candidate(candidate).await {
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

    fn frame(&mut self, event: Wire) -> Effect {
        if matches!(event, Wire::Offer(_)) {
            self.offer = Some(event.clone());
        }
        Effect::Frame(self.outgoing(event))
    }

    pub(in crate::call) fn complaint(&self, what: &str) -> Effect {
        Effect::Tell(words::malformed(self.party.peer.as_str(), what))
    }
}
