//! All STUN and TURN servers at once, and then the NAT.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::Examination;
use super::facts::{Stun, Turn};
use super::nat::Measured;
use super::signaling::Offered;
use crate::rtc::probe::{self, Answer, BindingFacts, Change, ProbeError, Question};
use crate::rtc::{StunServer, TurnServer, TurnTransport};

/// How long silence must last to mean that a NAT lets nobody in: three retransmissions.
const FILTER_PATIENCE: Duration = Duration::from_millis(1800);

/// A server that offers more than this is not believed.
const MOST_OFFERED: usize = 8;

/// Running probes, in the order of the list.
pub(super) struct Probes {
    stun: Vec<(StunServer, JoinHandle<Stun>)>,
    turn: Vec<(TurnServer, JoinHandle<Turn>)>,
}

impl Probes {
    /// Starts asking those that were named.
    pub(super) fn start(examination: &Examination) -> Self {
        let mut probes = Self {
            stun: Vec::new(),
            turn: Vec::new(),
        };
        for server in &examination.stun {
            probes.add_stun(server, examination);
        }
        for server in &examination.turn {
            probes.add_turn(server, false, examination);
        }
        probes
    }

    /// And those that the signaling server offers.
    pub(super) fn add(&mut self, offered: Offered, examination: &Examination) {
        for server in offered
            .stun
            .iter()
            .take(MOST_OFFERED)
            .filter(|_| examination.offered_stun)
        {
            self.add_stun(server, examination);
        }
        for server in offered.turn.iter().take(MOST_OFFERED) {
            self.add_turn(server, true, examination);
        }
    }

    fn add_stun(&mut self, server: &StunServer, examination: &Examination) {
        if self.stun.iter().any(|(known, _)| known.is_same(server)) {
            return;
        }
        let (ours, bind, patience) = (
            server.clone(),
            examination.bind.clone(),
            examination.patience,
        );
        let probe = tokio::spawn(async move {
            Stun {
                url: ours.url(),
                host: ours.host().to_owned(),
                result: probe::binding(&ours, &bind, patience).await,
            }
        });
        self.stun.push((server.clone(), probe));
    }

    fn add_turn(&mut self, server: &TurnServer, offered: bool, examination: &Examination) {
        let known = |(other, _): &(TurnServer, _)| {
            other.is_same(server) && other.username() == server.username()
        };
        if self.turn.iter().any(known) {
            return;
        }
        let (ours, examination) = (server.clone(), examination.clone());
        let probe = tokio::spawn(async move {
            let Examination {
                dialer,
                bind,
                patience,
                ..
            } = &examination;
            // A few round trips, each of which may take as long as it may.
            let all = *patience * 2;
            let probe = probe::allocation(&ours, dialer, bind, *patience);
            Turn {
                url: ours.url(),
                host: ours.host().to_owned(),
                udp: ours.transport() == TurnTransport::Udp,
                user: ours.username().to_owned(),
                offered,
                result: tokio::time::timeout(all, probe)
                    .await
                    .unwrap_or(Err(ProbeError::NoReply)),
            }
        });
        self.turn.push((server.clone(), probe));
    }

    /// What all STUN servers said.
    pub(super) async fn stun(&mut self) -> Vec<Stun> {
        all(std::mem::take(&mut self.stun)).await
    }

    /// What all TURN servers said.
    pub(super) async fn turn(&mut self) -> Vec<Turn> {
        all(std::mem::take(&mut self.turn)).await
    }
}

async fn all<S, T>(running: Vec<(S, JoinHandle<T>)>) -> Vec<T> {
    let mut results = Vec::with_capacity(running.len());
    for (_, running) in running {
        // A probe does not panic; if it did, its line would be missing.
        results.extend(running.await);
    }
    results
}

/// What the NAT does: by RFC 5780 where a server helps with it, by two servers otherwise.
pub(super) async fn nat(stun: &[Stun], bind: &[IpAddr]) -> Option<Measured> {
    let answered: Vec<BindingFacts> = stun
        .iter()
        .filter_map(|stun| stun.result.clone().ok())
        .collect();
    let first = answered.first()?;
    let helper = answered.iter().find_map(|facts| {
        Some((
            facts,
            facts.other.filter(|other| helps(facts.server, *other))?,
        ))
    });
    if let Some((facts, other)) = helper {
        let measured = by_one(facts, other, bind).await;
        if measured.other_address.is_some() {
            return Some(measured);
        }
    }
    let is_other = |facts: &&BindingFacts| {
        let (one, two) = (first.server.ip(), facts.server.ip());
        one != two && one.is_ipv4() == two.is_ipv4()
    };
    match answered.iter().find(is_other) {
        Some(second) => Some(by_two(first, second, bind).await),
        None => Some(Measured {
            local: Some(first.local),
            first: Some(first.mapped),
            ..Measured::default()
        }),
    }
}

/// RFC 5780 7.4: another address and another port.
fn helps(server: SocketAddr, other: SocketAddr) -> bool {
    server.ip() != other.ip()
        && server.port() != other.port()
        && server.is_ipv4() == other.is_ipv4()
}

/// RFC 5780 4.3 and 4.4, all at once; a socket of its own for the filter, which must not have sent elsewhere.
async fn by_one(facts: &BindingFacts, other: SocketAddr, bind: &[IpAddr]) -> Measured {
    let question = |to, change| Question { to, change };
    let (server, crossed) = (
        facts.server,
        SocketAddr::new(other.ip(), facts.server.port()),
    );
    let mapping = [server, crossed, other].map(|to| question(to, Change::Nothing));
    let filter = [Change::AddressAndPort, Change::Port].map(|change| question(server, change));
    let (mapping, filter) = tokio::join!(
        probe::ask(&mapping, bind, FILTER_PATIENCE),
        probe::ask(&filter, bind, FILTER_PATIENCE)
    );
    let (local, mapping) = mapping.unwrap_or((facts.local, vec![None; 3]));
    let (_, filter) = filter.unwrap_or((facts.local, vec![None; 2]));
    let mapped = |at: usize| mapping[at].map(|answer: Answer| answer.mapped);
    // A server that answers from where it was asked does not understand the request: nothing was measured.
    let ignored = filter.iter().flatten().any(|answer| answer.from == server);
    let heard = |at: usize| (!ignored).then(|| filter[at].is_some());
    Measured {
        local: Some(SocketAddr::new(facts.local.ip(), local.port())),
        first: mapped(0),
        other_address: mapped(1),
        other_address_and_port: mapped(2),
        heard_stranger: heard(0),
        heard_other_port: heard(1),
    }
}

/// One socket, two servers: the mapping alone.
async fn by_two(first: &BindingFacts, second: &BindingFacts, bind: &[IpAddr]) -> Measured {
    let questions = [first.server, second.server].map(|to| Question {
        to,
        change: Change::Nothing,
    });
    let asked = probe::ask(&questions, bind, FILTER_PATIENCE).await;
    let (local, answers) = asked.unwrap_or((first.local, vec![None; 2]));
    let mapped = |at: usize| answers[at].map(|answer: Answer| answer.mapped);
    Measured {
        local: Some(SocketAddr::new(first.local.ip(), local.port())),
        first: mapped(0),
        other_address: mapped(1),
        ..Measured::default()
    }
}
