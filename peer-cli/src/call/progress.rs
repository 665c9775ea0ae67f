//! What a session's connection and the sound path do: connecting, connected, heard.

use std::time::{Duration, Instant};

use super::examiner::OwnedFact;
use super::session::{Dialect, Effect, Key, LinkId, Phase, SessionEvent};
use super::{Call, report};
use crate::event::{Direction, EndedBy, Event, Path};
use crate::exit::Failure;
use crate::proto::chat;
use crate::proto::negotiation::Input;
use crate::proto::recovery::{self, Cause};
use crate::rtc::{ConnectionState, IceState, PeerEvent};

/// A tutorial page reads only the channel that it makes, which opens about when ours does.
const PAGE_CHANNEL: Duration = Duration::from_secs(1);

impl Call {
    pub(super) async fn on_session(
        &mut self,
        key: Key,
        event: SessionEvent,
    ) -> Result<(), Failure> {
        // Its task may still have had something queued when it ended.
        if !self.sessions.contains_key(&key) {
            return Ok(());
        }
        match event {
            SessionEvent::Peer(link, event) => self.on_peer(key, link, event).await,
            SessionEvent::Channel(link, event) => {
                let Some(session) = self.sessions.get_mut(&key) else {
                    return Ok(());
                };
                let effects: Vec<Effect> = session.channel(link, event).await;
                self.apply(key, effects).await?;
                self.check_up(key).await
            }
            SessionEvent::Closed => {
                self.finish_leaving(key).await;
                Ok(())
            }
        }
    }

    async fn on_peer(&mut self, key: Key, id: LinkId, event: PeerEvent) -> Result<(), Failure> {
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        let is_main = session.link.id == id;
        // One that was replaced may still have had something to say.
        let Some(link) = session.link_of(id) else {
            return Ok(());
        };
        match event {
            PeerEvent::Candidate(mut candidate) => {
                candidate.username_fragment = link.local_ufrag();
                session.evidence.local(Instant::now(), &candidate.candidate);
                let told = session.candidate_event(&candidate, Direction::Local);
                if let Some(event) = told {
                    self.emit.emit(event).await;
                }
                self.negotiate(key, Input::Local(candidate)).await
            }
            PeerEvent::CandidatesEnd => {
                let end = Input::LocalEnd(link.local_ufrag());
                session.evidence.local_end();
                self.negotiate(key, end).await
            }
            PeerEvent::Track { codec } => {
                session.codec = Some(codec);
                Ok(())
            }
            PeerEvent::Ice(_) | PeerEvent::Connection(_) | PeerEvent::DriverEnded if !is_main => {
                self.on_spare(key, &event).await;
                Ok(())
            }
            // Nothing is sent on it yet.
            PeerEvent::Sending(_) if !is_main => Ok(()),
            PeerEvent::Ice(state) => self.on_ice(key, state).await,
            PeerEvent::Connection(ConnectionState::Failed) => self.on_failed(key).await,
            PeerEvent::Connection(ConnectionState::Connected) => {
                link.transport_up = true;
                self.check_up(key).await
            }
            PeerEvent::Connection(_) => Ok(()),
            PeerEvent::DriverEnded => {
                link.broken = true;
                self.on_driver_ended(key).await
            }
            notice => {
                let relayed = is_main && session.path == Some(Path::Relay);
                if relayed && matches!(notice, PeerEvent::RelayLost { .. }) {
                    session.recover(recovery::Input::Lost(Cause::Relay));
                }
                self.on_notice(key, notice).await;
                Ok(())
            }
        }
    }

    async fn on_ice(&mut self, key: Key, state: IceState) -> Result<(), Failure> {
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        match state {
            IceState::Connected => {
                session.timing.ice(Instant::now());
                session.recover(recovery::Input::Heard);
                if session.was_connected() {
                    session.link.rtc.settle();
                }
            }
            IceState::Checking => {}
            IceState::Disconnected => {
                session.recover(recovery::Input::Lost(Cause::Silence));
            }
            IceState::Failed => return self.on_failed(key).await,
        }
        Ok(())
    }

    /// What is worth knowing about a connection, and what needs no answer.
    async fn on_notice(&mut self, key: Key, notice: PeerEvent) {
        match notice {
            PeerEvent::StunFailed { server, why } => {
                let up = self.sessions.get(&key).is_some_and(|s| s.was_connected());
                if !up {
                    let text = format!("STUN {server}: {why}");
                    self.emit.emit(Event::warning("stun", text)).await;
                }
            }
            PeerEvent::RelayFailed { server, why } => {
                let text = format!("TURN {server}: {why}");
                let failure = format!("{server}: {why}");
                if let Some(session) = self.sessions.get_mut(&key) {
                    session.evidence.relay_failures.push(failure);
                }
                self.emit.emit(Event::warning("turn", text)).await;
            }
            PeerEvent::RelayLost { server, why } => {
                let text = format!("TURN {server}: the connection is lost: {why}");
                self.emit.emit(Event::warning("turn-lost", text)).await;
            }
            PeerEvent::SmallBuffers(bytes) => {
                tracing::info!(
                    bytes,
                    "the kernel grants small receive buffers (sysctl -w net.core.rmem_max=4194304)"
                );
            }
            PeerEvent::NoMdns(why) => {
                tracing::info!(
                    why,
                    "no mDNS: candidates that hide their address stay unresolved"
                );
            }
            PeerEvent::Digit(digit) => self.on_digit(key, digit).await,
            PeerEvent::Sending(sending) => self.desk.steer(key, sending),
            PeerEvent::Candidate(_)
            | PeerEvent::CandidatesEnd
            | PeerEvent::Track { .. }
            | PeerEvent::Ice(_)
            | PeerEvent::Connection(_)
            | PeerEvent::DriverEnded => {}
        }
    }

    /// Whether the session has just come up; if so, everything starts.
    pub(super) async fn check_up(&mut self, key: Key) -> Result<(), Failure> {
        let Some(session) = self.sessions.get(&key) else {
            return Ok(());
        };
        if !session.can_begin() {
            return Ok(());
        }
        if self.is_full() {
            let frame = session.outgoing(shared::PeerEvent::Busy);
            self.send(frame).await;
            self.finish(key, EndedBy::Local, "another call came first")
                .await;
            return Ok(());
        }
        self.connect(key).await?;
        let early_bye = self.sessions.get_mut(&key).and_then(|s| s.early_bye.take());
        match early_bye {
            // Nobody hears what we would say, and others may have the place.
            Some(reason) => self.on_bye(key, reason, false).await,
            None => {
                self.dial(key).await;
                self.say_what_waits(key).await;
                self.drop_pending_of_full_house().await;
            }
        }
        self.follow_lobby().await
    }

    async fn connect(&mut self, key: Key) -> Result<(), Failure> {
        let now = Instant::now();
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        session.phase = Phase::Connected;
        session.watch(self.plan.session.connect_limit(), self.signaling);
        session.timing.connected(now);
        // In a plain room only our own kind says whom it is from, and reads any channel.
        let page =
            session.party.dialect == Dialect::Tutorial && !(self.plain && session.party.directed);
        session.held_back = page.then(|| now + PAGE_CHANNEL);
        session.link.rtc.settle();
        // Sound first: a source starts at connected, and everything else can wait a millisecond.
        if let Some(arriving) = session.sound.take() {
            let checks = self.examinee.sound_checks();
            let rtc = &session.link.rtc;
            session.sends = rtc.sends_in().map(|codec| (codec, rtc.sends_channels()));
            let format = session.sends.unwrap_or_default();
            let leaving = self.desk.start(key, arriving, format, checks)?;
            session.link.rtc.send_sound(leaving);
        }
        let stats = session.link.rtc.stats().await;
        let pair = stats.pair;
        let path = pair
            .as_ref()
            .map_or(Path::Direct, |pair| report::path_of(pair, session));
        session.path = Some(path);
        let setup = session.timing.setup().unwrap_or_default();
        let peer = session.party.peer.clone();
        self.hold(key, peer.clone());
        self.had_call = true;
        self.is_back();
        let (local, remote) = pair.map(|pair| (pair.local, pair.remote)).unzip();
        self.emit
            .emit(Event::Connected {
                peer: peer.to_string(),
                path,
                local,
                remote,
                setup_ms: setup,
            })
            .await;
        let fact = OwnedFact::Connected {
            path,
            setup: setup.total,
        };
        self.examinee.report(peer.as_str(), fact).await;
        self.tell_digits(key).await;
        Ok(())
    }

    async fn say_what_waits(&mut self, key: Key) {
        let texts: Vec<String> = self
            .plan
            .messages
            .texts
            .iter()
            .cloned()
            .chain(std::mem::take(&mut self.unsaid))
            .flat_map(|text| {
                chat::parts(&text)
                    .into_iter()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect();
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        for text in texts {
            // A command line and 64 lines; the queue is longer.
            if session.outbox.push(text).is_err() {
                break;
            }
        }
        session.flush_messages().await;
    }

    /// The calls that came second.
    async fn drop_pending_of_full_house(&mut self) {
        if self.is_full() {
            self.drop_pending("another call came first").await;
        }
    }

    /// Refuses every call that is not up yet.
    pub(super) async fn drop_pending(&mut self, why: &str) {
        let pending: Vec<Key> = self
            .sessions
            .values()
            .filter(|session| matches!(session.phase, Phase::Connecting { .. }))
            .map(|session| session.key)
            .collect();
        for key in pending {
            if let Some(session) = self.sessions.get(&key).filter(|s| s.party.directed) {
                let frame = session.outgoing(shared::PeerEvent::Busy);
                self.send(frame).await;
            }
            self.finish(key, EndedBy::Local, why).await;
        }
    }
}
