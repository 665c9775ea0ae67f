//! Gathering (RFC 8445 5.1.1): the crate names its host and relayed candidates, ours are the reflexive ones; all of them
//! together have one end, and a server that gives nothing is told once.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use shared::Candidate;
use tokio::task::JoinSet;

use super::event::PeerEvent;
use super::relay::{Outcome, RelayError, Report};
use super::servers::StunServer;
use super::socket::Created;
use super::stun::{self, StunError};
use crate::proto::sdp;

/// One server's word on one socket: the mapped address, seen from that base.
pub(super) struct Mapped {
    server: String,
    base: SocketAddr,
    answer: Result<SocketAddr, StunError>,
}

/// What has been gathered since the sockets were bound.
#[derive(Default)]
pub(super) struct Gathering {
    relay_only: bool,
    sockets: usize,
    hosts: usize,
    /// The crate says so itself; later than we know where a relay is silent.
    complete: bool,
    requests: JoinSet<Mapped>,
    /// The first candidate: its ids are those of every other candidate of this bundle.
    model: Option<Candidate>,
    /// Reflexive candidates that came before the model.
    early: Vec<String>,
    reflexive: HashSet<(SocketAddr, SocketAddr)>,
    stun: Servers<StunError>,
    /// Ways to relays of which nothing is known yet.
    ways: usize,
    relays: Servers<RelayError>,
    /// Relayed addresses whose candidates are to come, or have come before we knew.
    relayed: HashSet<SocketAddr>,
    ended: bool,
    events: VecDeque<PeerEvent>,
}

/// Which servers were of use, and which were not.
struct Servers<E> {
    good: BTreeSet<String>,
    bad: BTreeMap<String, E>,
    told: BTreeSet<String>,
}

impl<E> Default for Servers<E> {
    fn default() -> Self {
        Self {
            good: BTreeSet::new(),
            bad: BTreeMap::new(),
            told: BTreeSet::new(),
        }
    }
}

impl<E> Servers<E> {
    /// Takes out the servers that failed, none of whose other ways was good, and that have not been told.
    fn failures(&mut self) -> Vec<(String, E)> {
        let bad = std::mem::take(&mut self.bad);
        bad.into_iter()
            .filter(|(server, _)| !self.good.contains(server) && self.told.insert(server.clone()))
            .collect()
    }
}

impl Gathering {
    pub(super) fn new(relay_only: bool) -> Self {
        Self {
            relay_only,
            ..Self::default()
        }
    }

    /// What to tell, if anything.
    pub(super) fn poll_event(&mut self) -> Option<PeerEvent> {
        self.end();
        self.events.pop_front()
    }

    /// A socket was bound: asks every server from it. After an ICE restart everything begins anew.
    pub(super) fn socket(&mut self, servers: &[StunServer], relays: usize, created: &Created) {
        if self.hosts > 0 || self.ended {
            let told = std::mem::take(&mut self.relays.told);
            *self = Self::new(self.relay_only);
            self.relays.told = told;
        }
        self.sockets += 1;
        self.ways += relays;
        if self.relay_only {
            return;
        }
        for server in servers {
            let (server, base) = (server.clone(), created.local);
            let socket = Arc::clone(&created.socket);
            let listener = created.listener.clone();
            self.requests.spawn(async move {
                let answer = stun::mapped_address(&server, &socket, base, &listener).await;
                Mapped {
                    server: server.to_string(),
                    base,
                    answer,
                }
            });
        }
    }

    /// The next answer; `None` when there is none to wait for.
    pub(super) async fn next_mapped(&mut self) -> Option<Mapped> {
        self.requests.join_next().await?.ok()
    }

    /// A server has answered, or not.
    pub(super) fn mapped(&mut self, mapped: Mapped) {
        let Mapped {
            server,
            base,
            answer,
        } = mapped;
        match answer {
            Ok(mapped) => {
                self.stun.good.insert(server);
                // A reflexive address equal to its base is redundant (RFC 8445 5.1.3), and so is one twice.
                if mapped != base && self.reflexive.insert((base, mapped)) {
                    self.reflexive(stun::candidate_line(mapped, base));
                }
            }
            Err(StunError::Unreachable) => {}
            Err(error) => drop(self.stun.bad.insert(server, error)),
        }
        if self.requests.is_empty() {
            let failures = self.stun.failures();
            let told = failures.into_iter().filter_map(|(server, error)| {
                let why = error.in_words()?;
                Some(PeerEvent::StunFailed { server, why })
            });
            self.events.extend(told);
        }
    }

    /// The crate has a candidate.
    pub(super) fn candidate(&mut self, candidate: Candidate) {
        self.model.get_or_insert_with(|| candidate.clone());
        match sdp::candidate_parts(&candidate.candidate) {
            Some(parts) if parts.kind == "relay" => {
                let ip = parts.address.parse().ok();
                let relayed = ip.map(|ip| SocketAddr::new(ip, parts.port));
                self.relayed_known(relayed);
            }
            _ => self.hosts += 1,
        }
        self.events.push_back(PeerEvent::Candidate(candidate));
        for line in std::mem::take(&mut self.early) {
            self.reflexive(line);
        }
    }

    /// The crate has no more of them.
    pub(super) fn complete(&mut self) {
        self.complete = true;
    }

    /// A relay has answered, or not.
    pub(super) fn relay(&mut self, report: Report) {
        let Report {
            server,
            first,
            outcome,
        } = report;
        match outcome {
            Outcome::Up(relayed) => {
                self.relays.good.insert(server);
                self.relayed_known(Some(relayed));
            }
            Outcome::Unused => {}
            Outcome::Failed(error) => drop(self.relays.bad.insert(server, error)),
            Outcome::Lost(why) => {
                self.events.push_back(PeerEvent::RelayLost { server, why });
                return;
            }
        }
        if first {
            self.ways = self.ways.saturating_sub(1);
        }
        let failures = self.relays.failures();
        let told = failures.into_iter().map(|(server, error)| {
            let why = error.to_string();
            PeerEvent::RelayFailed { server, why }
        });
        self.events.extend(told);
    }

    /// An answer and its candidate come in either order.
    fn relayed_known(&mut self, relayed: Option<SocketAddr>) {
        if let Some(relayed) = relayed
            && !self.relayed.remove(&relayed)
        {
            self.relayed.insert(relayed);
        }
    }

    fn reflexive(&mut self, line: String) {
        let Some(model) = &self.model else {
            self.early.push(line);
            return;
        };
        if self.ended {
            return;
        }
        let candidate = Candidate {
            candidate: line,
            ..model.clone()
        };
        self.events.push_back(PeerEvent::Candidate(candidate));
    }

    /// Whether nothing more will come; told once.
    fn end(&mut self) {
        let hosts = self.relay_only || self.hosts >= self.sockets;
        let relays = self.ways == 0 && self.relayed.is_empty();
        let all = self.sockets > 0 && hosts && relays;
        if (all || self.complete) && self.requests.is_empty() && !self.ended {
            self.ended = true;
            self.events.push_back(PeerEvent::CandidatesEnd);
        }
    }
}
