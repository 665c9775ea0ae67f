//! A path that is lost: what the machine decides is carried out here, and it hears of the networks
//! that come and go.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use shared::{Bye, Outcome as CallOutcome, PeerEvent as Wire, PeerId};

use super::examiner::OwnedFact;
use super::session::{Key, Phase};
use super::{Call, report};
use crate::event::{EndpointType, Event, Path};
use crate::exit::Failure;
use crate::proto::negotiation::{Input as Negotiate, Purpose};
use crate::proto::recovery::{Cause, Input, Output};
use crate::rtc::{ConnectionState, IceState, PeerEvent, SelectedPair};

impl Call {
    /// Does what is due about a session's path.
    pub(super) async fn find_path(&mut self, key: Key, now: Instant) -> Result<(), Failure> {
        let watched = |phase: &Phase| matches!(phase, Phase::Connected);
        if let Some(session) = self.sessions.get_mut(&key).filter(|s| watched(&s.phase)) {
            session.recover(Input::Timeout);
        }
        loop {
            let Some(session) = self.sessions.get_mut(&key).filter(|s| watched(&s.phase)) else {
                return Ok(());
            };
            let output = session.recovery.as_mut().and_then(|r| r.poll_output());
            match output {
                None if session.is_stuck(now) => {
                    tracing::info!("messages wait for a timer that has grown too long");
                    session.set_options(&self.plan.rtc);
                    self.negotiate(key, Negotiate::Offer(Purpose::Rebuild))
                        .await?;
                }
                None => return Ok(()),
                Some(Output::Warn) => {
                    let text = format!("no packets from {} for 5s", session.party.name);
                    self.emit.emit(Event::warning("no-packets", text)).await;
                }
                Some(Output::Attempt {
                    number,
                    purpose,
                    cause,
                }) => self.attempt(key, number, purpose, cause).await?,
                Some(Output::Joined { number, cause }) => {
                    self.say_reconnecting(key, number, cause).await;
                }
                Some(Output::Recovered { after }) => self.on_recovered(key, after).await,
                Some(Output::GiveUp) => {
                    tracing::info!(?now, "the path did not come back");
                    self.on_vanished(key).await;
                }
            }
        }
    }

    async fn attempt(
        &mut self,
        key: Key,
        attempt: u32,
        purpose: Purpose,
        cause: Cause,
    ) -> Result<(), Failure> {
        self.refresh_servers(Instant::now()).await;
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        session.set_options(&self.plan.rtc);
        self.say_reconnecting(key, attempt, cause).await;
        tracing::info!(?purpose, ?cause, attempt, "looking for a path");
        if let Some(signal) = &self.signal {
            // Signaling goes the same way, and may not have noticed.
            signal.doubt();
        }
        self.negotiate(key, Negotiate::Offer(purpose)).await
    }

    async fn say_reconnecting(&self, key: Key, attempt: u32, cause: Cause) {
        if let Some(session) = self.sessions.get(&key) {
            let event = Event::Reconnecting {
                peer: session.party.peer.to_string(),
                why: cause.words().to_owned(),
                attempt,
            };
            self.emit.emit(event).await;
        }
    }

    async fn on_recovered(&mut self, key: Key, after: Duration) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let pair = session.link.rtc.stats().await.pair;
        let path = pair
            .as_ref()
            .map_or(Path::Direct, |pair| report::path_of(pair, session));
        session.path = Some(path);
        session.look_for_stuck(Instant::now());
        let peer = session.party.peer.to_string();
        let (local, remote) = pair.map(|pair| (pair.local, pair.remote)).unzip();
        self.examinee.report(&peer, OwnedFact::Path(path)).await;
        self.emit
            .emit(Event::Reconnected {
                peer,
                path,
                local,
                remote,
                after,
            })
            .await;
    }

    /// What a connection does that is to replace another.
    pub(super) async fn on_spare(&mut self, key: Key, event: &PeerEvent) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let Some(spare) = &mut session.spare else {
            return;
        };
        match event {
            PeerEvent::Connection(ConnectionState::Connected) => {
                spare.transport_up = true;
                if spare.is_up() {
                    self.promote(key).await;
                }
            }
            PeerEvent::Ice(IceState::Failed)
            | PeerEvent::Connection(ConnectionState::Failed)
            | PeerEvent::DriverEnded => {
                session.drop_spare();
                session.recover(Input::Failed);
            }
            _ => {}
        }
    }

    /// The second connection takes over.
    pub(super) async fn promote(&mut self, key: Key) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        if matches!(session.phase, Phase::Draining { .. } | Phase::Closing) {
            return;
        }
        session.promote().await;
        tracing::info!(peer = %session.party.peer, "on a new connection");
        session.recover(Input::Heard);
    }

    /// Whether a call looks for its path.
    pub(super) fn is_lost(&self, key: Key) -> bool {
        self.sessions.get(&key).is_some_and(super::Session::is_lost)
    }

    /// Signaling was reached or lost: what is unanswered is said again.
    pub(super) async fn on_signaling(&mut self, up: bool) -> Result<(), Failure> {
        self.signaling = up;
        for session in self.sessions.values_mut() {
            session.recover(Input::Signaling(up));
        }
        if up {
            self.say_again(None).await?;
        }
        Ok(())
    }

    /// Says again what may be lost: to somebody who came anew, or to all. A call that has lost its path
    /// offers anew once signaling is back, with what can be gathered then.
    pub(super) async fn say_again(&mut self, to: Option<&PeerId>) -> Result<(), Failure> {
        let open = |s: &&super::Session| match to {
            Some(_) => s.negotiation.is_offering() || !s.was_connected() || s.is_lost(),
            None => !s.is_lost() && (s.negotiation.is_offering() || !s.was_connected()),
        };
        let keys: Vec<Key> = self
            .sessions
            .values()
            .filter(|s| to.is_none_or(|to| s.party.peer == *to))
            .filter(open)
            .map(|s| s.key)
            .collect();
        for key in keys {
            if let Some(session) = self.sessions.get_mut(&key).filter(|_| to.is_some()) {
                session.recover(Input::Arrived);
            }
            self.negotiate(key, Negotiate::Resend).await?;
        }
        Ok(())
    }

    /// The addresses of this machine are others than before.
    pub(super) async fn on_addresses(&mut self, now: Vec<IpAddr>) {
        let before = std::mem::replace(&mut self.addresses, now.clone());
        if before.is_empty() {
            return;
        }
        tracing::info!(?before, ?now, "the network changed");
        if let Some(signal) = &self.signal {
            signal.moved();
        }
        let gone = before.iter().any(|ip| !now.contains(ip));
        for session in self.sessions.values_mut() {
            if gone && session.is_connected() && !session.is_lost() {
                let pair = session.link.rtc.stats().await.pair;
                if pair.is_none_or(|pair| is_cut(&pair, &now)) {
                    session.recover(Input::Lost(Cause::Network));
                }
            } else {
                session.recover(Input::Addresses);
            }
        }
    }

    /// Tells a peer that is not heard any more that we have given it up.
    pub(super) async fn say_given_up(&self, key: Key, reason: &str) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let bye = Bye {
            outcome: Some(CallOutcome::Failed),
            ..session.bye(reason)
        };
        if session.party.directed {
            self.send(session.outgoing(Wire::Bye(bye))).await;
        }
    }
}

/// Whether our end of a path is gone. What a server saw of us, or a relay, hides which address that is.
fn is_cut(pair: &SelectedPair, now: &[IpAddr]) -> bool {
    let local = pair.local.address.parse::<std::net::SocketAddr>();
    pair.local.kind != EndpointType::Host || local.is_ok_and(|local| !now.contains(&local.ip()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::event::{Endpoint, Protocol};

    #[test]
    fn a_path_is_cut_when_its_own_address_is_gone() {
        let pair = |address: &str, kind| SelectedPair {
            local: Endpoint {
                kind,
                address: address.into(),
                protocol: Protocol::Udp,
            },
            remote: Endpoint {
                kind: EndpointType::Host,
                address: "192.0.2.9:9".into(),
                protocol: Protocol::Udp,
            },
            rtt: None,
        };
        let now: Vec<IpAddr> = vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        for (address, kind, cut) in [
            ("192.0.2.1:5", EndpointType::Host, false),
            ("[2001:db8::1]:5", EndpointType::Host, false),
            ("192.0.2.2:5", EndpointType::Host, true),
            ("203.0.113.1:5", EndpointType::Srflx, true),
            ("203.0.113.1:5", EndpointType::Relay, true),
        ] {
            assert_eq!(is_cut(&pair(address, kind), &now), cut, "{address}");
        }
    }
}
