//! What a session's connection and the sound path do: connecting, connected, heard.

use std::time::{Duration, Instant};

use super::examiner::OwnedFact;
use super::session::{Dialect, Effect, Key, Phase, SessionEvent};
use super::{Call, report};
use crate::event::{Direction, EndedBy, Event, Path};
use crate::exit::Failure;
use crate::proto::chat;
use crate::proto::negotiation::Input;
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
            SessionEvent::Peer(event) => self.on_peer(key, event).await,
            SessionEvent::Channel(event) => {
                let Some(session) = self.sessions.get_mut(&key) else {
                    return Ok(());
                };
                let effects: Vec<Effect> = session.channel(event).await;
                self.apply(key, effects).await?;
                self.check_up(key).await
            }
            SessionEvent::Closed => {
                self.finish_leaving(key).await;
                Ok(())
            }
        }
    }

    async fn on_peer(&mut self, key: Key, event: PeerEvent) -> Result<(), Failure> {
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        match event {
            PeerEvent::Candidate(candidate) => {
                session.evidence.local(Instant::now(), &candidate.candidate);
                let told = session.candidate_event(&candidate, Direction::Local);
                if let Some(event) = told {
                    self.emit.emit(event).await;
                }
                return self.negotiate(key, Input::Local(candidate)).await;
            }
            PeerEvent::CandidatesEnd => {
                session.evidence.local_end();
                return self.negotiate(key, Input::LocalEnd).await;
            }
            PeerEvent::Ice(IceState::Connected) => {
                session.timing.ice(Instant::now());
                session.lost_at = None;
            }
            PeerEvent::Ice(IceState::Checking) => {}
            PeerEvent::Ice(IceState::Disconnected) => self.on_silence(key).await,
            PeerEvent::Ice(IceState::Failed) | PeerEvent::Connection(ConnectionState::Failed) => {
                return self.on_failed(key).await;
            }
            PeerEvent::Connection(ConnectionState::Connected) => {
                session.set_transport_up();
                return self.check_up(key).await;
            }
            PeerEvent::Connection(_) => {}
            PeerEvent::Track { codec } => session.codec = Some(codec),
            PeerEvent::StunFailed { server, why } => {
                if !session.was_connected() {
                    let text = format!("STUN {server}: {why}");
                    self.emit.emit(Event::warning("stun", text)).await;
                }
            }
            PeerEvent::RelayFailed { server, why } => {
                let text = format!("TURN {server}: {why}");
                let failure = format!("{server}: {why}");
                session.evidence.relay_failures.push(failure);
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
            PeerEvent::DriverEnded => {
                return self.on_driver_ended(key).await;
            }
        }
        Ok(())
    }

    /// Whether the session has just come up; if so, everything starts.
    async fn check_up(&mut self, key: Key) -> Result<(), Failure> {
        let Some(session) = self.sessions.get(&key) else {
            return Ok(());
        };
        if !matches!(session.phase, Phase::Connecting { .. }) || !session.is_up() {
            return Ok(());
        }
        if self.occupied_count() >= self.plan.peers {
            let frame = session.outgoing(shared::PeerEvent::Busy);
            self.send(frame).await;
            self.finish(key, EndedBy::Local, "another call came first")
                .await;
            return Ok(());
        }
        self.connect(key).await
    }

    async fn connect(&mut self, key: Key) -> Result<(), Failure> {
        let now = Instant::now();
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        session.phase = Phase::Connected;
        session.timing.connected(now);
        // In a plain room only our own kind says whom it is from, and reads any channel.
        let page =
            session.party.dialect == Dialect::Tutorial && !(self.plain && session.party.directed);
        session.held_back = page.then(|| now + PAGE_CHANNEL);
        session.rtc.settle();
        // Sound first: a source starts at connected, and everything else can wait a millisecond.
        if let Some(arriving) = session.sound.take() {
            let checks = self.examinee.sound_checks();
            let leaving = self.desk.start(key, arriving, checks)?;
            session.rtc.send_sound(leaving);
        }
        let stats = session.rtc.stats().await;
        let pair = stats.pair;
        let path = pair
            .as_ref()
            .map_or(Path::Direct, |pair| report::path_of(pair, session));
        session.path = Some(path);
        let setup = session.timing.setup().unwrap_or_default();
        let peer = session.party.peer.clone();
        self.hold(key, peer.clone());
        self.had_call = true;
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
        self.say_what_waits(key).await;
        self.drop_pending_of_full_house().await;
        self.follow_lobby().await
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
        if self.occupied_count() >= self.plan.peers {
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

    /// Nothing was heard for a while.
    async fn on_silence(&mut self, key: Key) {
        let limit = self.plan.session.connect_limit();
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        if !session.is_connected() || session.lost_at.is_some() {
            return;
        }
        session.lost_at = Some(Instant::now() + limit);
        let text = format!("no packets from {} for 5s", session.party.name);
        self.emit.emit(Event::warning("no-packets", text)).await;
    }
}
