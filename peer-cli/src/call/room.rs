//! What comes from signaling: the room, offers, answers, candidates.

use std::time::Instant;

use shared::{
    Bye, Event as WireEvent, Incoming, PeerEvent as Wire, PeerId, Role, ServerEvent, SessionId,
};

use super::session::{Dialect, Key, Party, Phase, Session};
use super::timing::Timing;
use super::{Call, MAX_ORPHANS, words};
use crate::event::{EndedBy, Event, PeerState, SignalingMode, SignalingState};
use crate::exit::{Exit, Failure};
use crate::proto::lobby::{self, Glare, Output, glare};
use crate::proto::negotiation::Input;
use crate::proto::sdp;
use crate::signal::{Entered, SignalEvent};

/// How we name a tutorial client that has no id.
const ANONYMOUS: &str = "tutorial-client";

/// Calls that others have offered and that are not up yet; the oldest makes room for the newest.
const MAX_PENDING: usize = 16;

/// Characters of an id that people are shown when there is no name.
const SHORT_ID: usize = 8;

impl Call {
    pub(super) async fn on_signal(&mut self, event: Option<SignalEvent>) -> Result<(), Failure> {
        match event {
            Some(SignalEvent::Entered(entered)) => self.on_entered(entered).await,
            Some(SignalEvent::Frame(frame)) => self.on_frame(frame).await,
            Some(SignalEvent::Malformed(error)) => {
                self.tell(words::malformed("the room", &error.to_string()))
                    .await;
                Ok(())
            }
            Some(SignalEvent::Unreachable(failure)) => {
                self.on_unreachable(failure).await;
                Ok(())
            }
            Some(SignalEvent::Lost(why)) => {
                tracing::info!(why, "signaling lost");
                self.emit.emit(signaling(SignalingState::Lost)).await;
                Ok(())
            }
            Some(SignalEvent::Refused(failure)) => self.on_refused(failure).await,
            None => {
                self.signal = None;
                Ok(())
            }
        }
    }

    async fn on_entered(&mut self, entered: Entered) -> Result<(), Failure> {
        let now = Instant::now();
        let state = if self.entered.is_some() {
            SignalingState::Reconnected
        } else {
            SignalingState::Connected
        };
        self.entered.get_or_insert(now);
        let (mode, input) = match entered {
            Entered::PeerV1(welcome) => {
                self.plain = false;
                self.me = Some(welcome.id.clone());
                let input = lobby::Input::Entered {
                    me: welcome.id,
                    peers: welcome.peers.clone(),
                };
                (SignalingMode::PeerV1, (input, welcome.peers))
            }
            Entered::Plain => {
                self.plain = true;
                let own = || PeerId::new(crate::entropy::hex::<13>()).ok();
                self.me = self.me.take().or_else(own);
                (SignalingMode::Plain, (lobby::Input::EnteredPlain, vec![]))
            }
        };
        let (input, peers) = input;
        self.emit
            .emit(Event::Signaling {
                state,
                id: self.me.as_ref().map(PeerId::to_string),
                mode: Some(mode),
            })
            .await;
        for info in &peers {
            self.emit.emit(presence(PeerState::Joined, info)).await;
        }
        self.lobby.handle(now, input);
        self.follow_lobby().await
    }

    async fn on_unreachable(&mut self, failure: Failure) {
        let first = self.unreachable.is_none() && self.entered.is_none();
        if first {
            self.emit
                .emit(Event::Warning {
                    code: "unreachable",
                    text: failure.reason.clone(),
                    hint: failure.hint.clone(),
                })
                .await;
        }
        self.unreachable = Some(failure);
    }

    /// Signaling is over. A call that is up goes on without it.
    async fn on_refused(&mut self, failure: Failure) -> Result<(), Failure> {
        self.signal = None;
        if self.connected_count() == 0 {
            return Err(failure);
        }
        self.emit
            .emit(Event::Warning {
                code: "signaling-refused",
                text: failure.reason,
                hint: failure.hint,
            })
            .await;
        Ok(())
    }

    /// Does what the lobby decides.
    pub(super) async fn follow_lobby(&mut self) -> Result<(), Failure> {
        while let Some(output) = self.lobby.poll_output() {
            match output {
                // The last word is spoken.
                _ if self.outcome.is_some() => {}
                Output::Offer(peer) => self.offer(peer).await?,
                Output::NobodyWaits => {
                    let room = self.room_name();
                    let limit = words::seconds(self.plan.session.connect_limit());
                    self.emit
                        .emit(Event::warning(
                            "nobody-waits",
                            format!("nobody waits in {room} yet ({limit})"),
                        ))
                        .await;
                }
                Output::EverybodyWaits => {
                    let text = "the other peer waits too; run \"call\" on one side";
                    self.emit
                        .emit(Event::warning("everybody-waits", text))
                        .await;
                }
                Output::AllBusy(peer) => {
                    let name = self.name_of(&peer);
                    self.end(Exit::NobodyAnswered, format!("\"{name}\" is busy"))
                        .await;
                }
            }
        }
        Ok(())
    }

    pub(super) fn room_name(&self) -> String {
        match &self.plan.room {
            Some(room) => format!("\"{room}\""),
            None => "the room".to_owned(),
        }
    }

    pub(super) fn name_of(&self, peer: &PeerId) -> String {
        let name = self.lobby.name_of(peer);
        let short = name == peer.as_str() && name.len() > 2 * SHORT_ID;
        if short {
            name[..SHORT_ID].to_owned()
        } else {
            name.to_owned()
        }
    }

    /// Offers a call; to everybody in a plain room.
    async fn offer(&mut self, peer: Option<PeerId>) -> Result<(), Failure> {
        let now = Instant::now();
        let directed = peer.is_some();
        let tutorial = peer
            .as_ref()
            .and_then(|peer| self.lobby.info(peer))
            .is_none_or(|info| info.is_tutorial());
        let Some(peer) = peer.or_else(anonymous) else {
            return Ok(());
        };
        let party = Party {
            name: self.name_of(&peer),
            dialect: if tutorial {
                Dialect::Tutorial
            } else {
                Dialect::PeerV1
            },
            id: SessionId::new(crate::entropy::hex::<8>()).ok(),
            ours: true,
            directed,
            peer: peer.clone(),
        };
        let signaling = match (self.plan.signaling_since, self.entered) {
            (Some(since), Some(entered)) => entered.saturating_duration_since(since),
            _ => std::time::Duration::ZERO,
        };
        if !directed {
            self.repeat_offer_at = Some(now + super::ending::REPEAT_OFFER);
        }
        self.lobby.handle(now, lobby::Input::Started(peer));
        let Some(key) = self.open(party, Timing::new(signaling, now)).await? else {
            return Ok(());
        };
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        session.held = true;
        let effects = session.start().await;
        self.apply(key, effects).await
    }

    /// Opens a session's connection.
    async fn open(&mut self, party: Party, timing: Timing) -> Result<Option<Key>, Failure> {
        self.last_key += 1;
        let key = self.last_key;
        let until = timing.started() + self.plan.session.connect_limit();
        let events = &self.session_tx;
        let session = Session::open(key, party, timing, until, &self.plan.rtc, events)
            .await
            .map_err(|error| {
                Failure::new(Exit::NoPath, format!("cannot open a connection: {error}"))
                    .hint("is the address of --bind one of this machine?")
            })?;
        self.sessions.insert(key, session);
        Ok(Some(key))
    }

    async fn on_frame(&mut self, frame: Incoming) -> Result<(), Failure> {
        let event = match frame.event {
            WireEvent::Server(event) if !self.plain => return self.on_server(event).await,
            WireEvent::Server(_) => return Ok(()),
            WireEvent::Unknown(name) => {
                tracing::debug!(name, "an event of another protocol");
                return Ok(());
            }
            WireEvent::Peer(event) => event,
        };
        let addressed = frame.to.is_none() || frame.to == self.me;
        let own = frame.from.is_some() && frame.from == self.me;
        if !addressed || own {
            return Ok(());
        }
        let Some(from) = frame.from.or_else(|| self.plain.then(anonymous).flatten()) else {
            self.tell(words::malformed(
                "the room",
                "it does not say whom it is from",
            ))
            .await;
            return Ok(());
        };
        self.on_peer_frame(from, frame.session, event).await
    }

    async fn on_server(&mut self, event: ServerEvent) -> Result<(), Failure> {
        let now = Instant::now();
        match event {
            ServerEvent::Joined(info) => {
                self.emit.emit(presence(PeerState::Joined, &info)).await;
                self.lobby.handle(now, lobby::Input::Joined(info));
            }
            ServerEvent::Left { id } => {
                if let Some(info) = self.lobby.info(&id) {
                    let event = presence(PeerState::Left, info);
                    self.emit.emit(event).await;
                }
                self.lobby.handle(now, lobby::Input::Left(id.clone()));
                self.on_left(&id).await?;
            }
            ServerEvent::Error { code, text } => {
                tracing::info!(code, text, "the server complains");
            }
            ServerEvent::Welcome(_) | ServerEvent::IceServers(_) => {}
        }
        self.follow_lobby().await
    }

    async fn on_peer_frame(
        &mut self,
        from: PeerId,
        session: Option<SessionId>,
        event: Wire,
    ) -> Result<(), Failure> {
        let found = self.find(&from, session.as_ref(), &event);
        match (event, found) {
            (Wire::Offer(offer), found) => {
                self.on_offer(from, session, Wire::Offer(offer), found)
                    .await
            }
            (event @ Wire::Answer(_), Some(key)) => {
                self.bind(key, from);
                self.negotiate(key, Input::Remote(event)).await
            }
            (Wire::Answer(_), None) => {
                let text = "an answer to no offer of ours";
                self.tell(words::malformed(from.as_str(), text)).await;
                Ok(())
            }
            (event @ Wire::Candidate(_), Some(key)) => {
                self.negotiate(key, Input::Remote(event)).await
            }
            (Wire::Candidate(candidate), None) => {
                if self.orphans.len() >= MAX_ORPHANS {
                    self.orphans.pop_front();
                }
                self.orphans.push_back((from, session, candidate));
                Ok(())
            }
            (Wire::Bye(bye), Some(key)) => {
                self.on_bye(key, bye.reason, false).await;
                Ok(())
            }
            (Wire::Busy, Some(key)) => self.on_busy(key).await,
            (Wire::CandidatesEnd { .. } | Wire::Bye(_) | Wire::Busy, _) => Ok(()),
        }
    }

    /// The session that a frame belongs to.
    fn find(&self, from: &PeerId, session: Option<&SessionId>, event: &Wire) -> Option<Key> {
        let fits = |candidate: &&Session| {
            let party = &candidate.party;
            // A broadcast offer belongs to whoever answers first; its session names it.
            let same_peer = party.peer == *from || (!party.directed && party.ours);
            same_peer && (session.is_none() || session == party.id.as_ref())
        };
        let mut fitting = self.sessions.values().filter(fits);
        match event {
            // Without a session, the same connection is a renegotiation, another one a new call.
            Wire::Offer(offer) if session.is_none() => {
                let identity = sdp::identity(&offer.sdp);
                fitting.find(|session| session.remote.is_some() && session.remote == identity)
            }
            Wire::Offer(_) => fitting.find(|session| session.party.peer == *from),
            _ => fitting.next_back(),
        }
        .map(|session| session.key)
    }

    /// A broadcast offer has found its peer.
    fn bind(&mut self, key: Key, from: PeerId) {
        let named = from.as_str() != ANONYMOUS;
        let name = self.name_of(&from);
        if let Some(session) = self.sessions.get_mut(&key)
            && !session.party.directed
            && session.negotiation.is_offering()
        {
            session.party.directed = named;
            session.party.peer = from;
            session.party.name = name;
            self.repeat_offer_at = None;
        }
    }

    async fn on_offer(
        &mut self,
        from: PeerId,
        session: Option<SessionId>,
        offer: Wire,
        found: Option<Key>,
    ) -> Result<(), Failure> {
        if let Some(key) = found {
            return self.negotiate(key, Input::Remote(offer)).await;
        }
        if self.outcome.is_some() {
            return Ok(());
        }
        if let Some(origin) = self.foreign_origin(&from) {
            return self.refuse(from, session, &origin).await;
        }
        // Ours that cross it, and an older call with the same peer.
        let crossing: Vec<Key> = self
            .sessions
            .values()
            .filter(|s| {
                s.party.peer == from || (s.party.ours && !s.party.directed && !s.was_connected())
            })
            .map(|s| s.key)
            .collect();
        for key in crossing {
            if !self.make_way(key, &from).await {
                return Ok(());
            }
        }
        if self.connected_count() >= self.plan.peers {
            let frame = self.reply(&from, session, Wire::Busy);
            self.send(frame).await;
            return Ok(());
        }
        self.evict_oldest_pending().await;
        self.accept(from, session, offer).await
    }

    /// Ends or drops a session that a new offer of its peer replaces; false if the offer loses.
    async fn make_way(&mut self, key: Key, from: &PeerId) -> bool {
        let Some(session) = self.sessions.get(&key) else {
            return true;
        };
        if session.negotiation.is_offering() {
            let them = (from.as_str() != ANONYMOUS).then_some(from);
            let yields = self.me.as_ref().map_or(Glare::Yield, |me| glare(me, them));
            tracing::info!(?yields, peer = %from, "both sides offered");
            if yields == Glare::Insist {
                return false;
            }
        }
        let by = EndedBy::Remote;
        self.finish(key, by, "called again").await;
        true
    }

    async fn accept(
        &mut self,
        from: PeerId,
        session: Option<SessionId>,
        offer: Wire,
    ) -> Result<(), Failure> {
        let tutorial = self.lobby.info(&from).is_none_or(|info| info.is_tutorial());
        let party = Party {
            name: self.name_of(&from),
            dialect: if tutorial {
                Dialect::Tutorial
            } else {
                Dialect::PeerV1
            },
            id: session.clone(),
            ours: false,
            directed: from.as_str() != ANONYMOUS,
            peer: from.clone(),
        };
        let timing = Timing::new(std::time::Duration::ZERO, Instant::now());
        let Some(key) = self.open(party, timing).await? else {
            return Ok(());
        };
        let early: std::collections::VecDeque<_> = {
            let of_this = |(peer, id, _): &(PeerId, Option<SessionId>, _)| {
                *peer == from && (id.is_none() || *id == session)
            };
            let (mine, others) = std::mem::take(&mut self.orphans)
                .into_iter()
                .partition(of_this);
            self.orphans = others;
            mine
        };
        self.negotiate(key, Input::Remote(offer)).await?;
        for (_, _, candidate) in early {
            self.negotiate(key, Input::Remote(Wire::Candidate(candidate)))
                .await?;
        }
        Ok(())
    }

    pub(super) async fn negotiate(&mut self, key: Key, input: Input) -> Result<(), Failure> {
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        let effects = session.negotiate(input).await;
        self.apply(key, effects).await
    }

    /// The web origin of a page that must not hear a live microphone.
    fn foreign_origin(&self, from: &PeerId) -> Option<String> {
        if self.plan.role != Role::Answer || !self.plan.sound.mic.is_device() {
            return None;
        }
        let origin = self.lobby.info(from)?.origin.clone()?;
        let allowed = self.plan.server_origin.as_ref() == Some(&origin)
            || self.plan.allow_origin.contains(&origin)
            || is_local(&origin);
        (!allowed).then_some(origin)
    }

    async fn refuse(
        &mut self,
        from: PeerId,
        session: Option<SessionId>,
        origin: &str,
    ) -> Result<(), Failure> {
        self.emit
            .emit(Event::warning_with(
                "foreign-page",
                format!("refused a call from {origin}"),
                "see --allow-origin",
            ))
            .await;
        let bye = Bye {
            reason: "this origin may not listen".to_owned(),
            outcome: None,
            setup_ms: None,
        };
        let frame = self.reply(&from, session, Wire::Bye(bye));
        self.send(frame).await;
        Ok(())
    }

    fn reply(&self, to: &PeerId, session: Option<SessionId>, event: Wire) -> shared::Outgoing {
        shared::Outgoing {
            to: (to.as_str() != ANONYMOUS).then(|| to.clone()),
            from: None,
            session,
            event,
        }
    }

    async fn evict_oldest_pending(&mut self) {
        let pending: Vec<Key> = self
            .sessions
            .values()
            .filter(|s| !s.party.ours && matches!(s.phase, Phase::Connecting { .. }))
            .map(|s| s.key)
            .collect();
        if pending.len() >= MAX_PENDING {
            self.finish(pending[0], EndedBy::Local, "too many calls at once")
                .await;
        }
    }
}

fn anonymous() -> Option<PeerId> {
    PeerId::new(ANONYMOUS).ok()
}

/// Pages of this machine, and those without an origin of their own (files).
fn is_local(origin: &str) -> bool {
    let Ok(url) = url::Url::parse(origin) else {
        return origin == "null";
    };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn signaling(state: SignalingState) -> Event {
    Event::Signaling {
        state,
        id: None,
        mode: None,
    }
}

fn presence(state: PeerState, info: &shared::PeerInfo) -> Event {
    Event::Peer {
        state,
        id: info.id.to_string(),
        name: info.name.as_ref().map(ToString::to_string),
    }
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn local_pages_are_trusted_and_no_others() {
        for origin in [
            "null",
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:8080",
        ] {
            assert!(is_local(origin), "{origin}");
        }
        for origin in [
            "https://evil.example",
            "https://localhost.evil.example",
            "x",
            "",
            "file:",
        ] {
            assert!(!is_local(origin), "{origin}");
        }
    }
}
