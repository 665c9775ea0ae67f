//! No path: which pairs were tried, and the likely cause.

use std::net::SocketAddr;
use std::time::Instant;

use super::Call;
use super::session::{Evidence, Key, Phase, Session};
use crate::event::{Endpoint, EndpointType, Event, Protocol, TriedPair};
use crate::exit::Exit;
use crate::proto::diagnosis::{self, Facts};
use crate::rtc::{RelayPolicy, Tried};

/// Pairs that people are shown; a machine with many addresses makes more than anybody reads.
const MAX_PAIRS: usize = 40;

impl Call {
    /// When a connecting session has no hope left. Only the offerer decides so: the other side hears it.
    pub(super) fn hopeless_at(&self, session: &Session) -> Option<Instant> {
        let waiting = matches!(session.phase, Phase::Connecting { .. })
            && session.party.ours
            && session.negotiation.is_agreed()
            && !session.timing.has_path();
        session.evidence.hopeless_at().filter(|_| waiting)
    }

    /// Gives a session up, with the table of pairs and the cause.
    pub(super) async fn no_path(&mut self, key: Key) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let peer = session.party.peer.to_string();
        for tried in session.link.rtc.tried().into_iter().take(MAX_PAIRS) {
            let (peer, pair) = (peer.clone(), pair(&session.evidence, tried));
            self.emit.emit(Event::Pair { peer, pair }).await;
        }
        let reason = self.why_no_path(session);
        self.give_up(key, Exit::NoPath, reason).await;
    }

    /// `no path to bob: both NATs are symmetric; add --turn`.
    pub(super) fn why_no_path(&self, session: &Session) -> String {
        let name = &session.party.name;
        if session.timing.has_path() {
            return format!(
                "no connection with {name}: a path was found, but the handshake failed"
            );
        }
        let evidence = &session.evidence;
        let facts = Facts {
            ours: &evidence.ours,
            theirs: &evidence.theirs,
            stun_asked: !self.plan.rtc.stun.is_empty(),
            relay_asked: !self.plan.rtc.turn.is_empty(),
            relay_only: self.plan.rtc.relay == RelayPolicy::Only,
            relay_failures: &evidence.relay_failures,
        };
        format!("no path to {name}: {}", diagnosis::cause(&facts, name))
    }
}

fn pair(evidence: &Evidence, tried: Tried) -> TriedPair {
    let end = |kind: Option<EndpointType>, address: SocketAddr| Endpoint {
        kind: kind.unwrap_or(EndpointType::Prflx),
        address: address.to_string(),
        protocol: Protocol::Udp,
    };
    let kind = evidence.theirs.kind_of(tried.remote);
    TriedPair {
        local: end(Some(EndpointType::Host), tried.local),
        remote: end(kind, tried.remote),
        checks: tried.checks,
        answers: tried.answers,
        heard: tried.heard,
    }
}
