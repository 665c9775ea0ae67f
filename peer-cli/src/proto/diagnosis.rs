//! Why there is no path, read from what both sides gathered (RFC 8445) and what the servers said.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::sdp;
use crate::event::EndpointType;

/// One side's candidates.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// All of them, also those that are no use to anybody else.
    count: usize,
    hosts: Vec<SocketAddr>,
    relayed: Vec<SocketAddr>,
    /// Mapped addresses by the base they were seen from.
    mapped: BTreeMap<String, Vec<SocketAddr>>,
}

impl Gathered {
    /// Adds a `candidate:` line; one that cannot be read says nothing.
    pub fn add(&mut self, line: &str) {
        let Some(parts) = sdp::candidate_parts(line) else {
            return;
        };
        self.count += 1;
        let Ok(ip) = parts.address.parse::<IpAddr>() else {
            return;
        };
        let address = SocketAddr::new(ip, parts.port);
        match parts.kind {
            "host" if !ip.is_loopback() => self.hosts.push(address),
            "relay" => self.relayed.push(address),
            "srflx" => {
                let base = sdp::related_address(line).unwrap_or_default();
                let mapped = self.mapped.entry(base.to_owned()).or_default();
                if !mapped.contains(&address) {
                    mapped.push(address);
                }
            }
            _ => {}
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether this is one of the relayed addresses.
    #[must_use]
    pub fn is_relayed(&self, address: SocketAddr) -> bool {
        self.relayed.contains(&address)
    }

    /// What kind of candidate has this address.
    #[must_use]
    pub fn kind_of(&self, address: SocketAddr) -> Option<EndpointType> {
        let mut mapped = self.mapped.values().flatten();
        if self.hosts.contains(&address) {
            Some(EndpointType::Host)
        } else if self.relayed.contains(&address) {
            Some(EndpointType::Relay)
        } else if mapped.any(|known| *known == address) {
            Some(EndpointType::Srflx)
        } else {
            None
        }
    }

    /// Whether the NAT gives one socket different addresses for different servers (RFC 4787 4.1: address-dependent
    /// mapping). Seen only where two servers answered.
    fn is_symmetric(&self) -> bool {
        self.mapped.values().any(|seen| {
            let of = |ipv4| seen.iter().filter(move |a| a.is_ipv4() == ipv4).count();
            of(true) > 1 || of(false) > 1
        })
    }

    /// Whether packets from outside could find this side at all.
    fn is_reachable(&self) -> bool {
        !self.mapped.is_empty()
            || !self.relayed.is_empty()
            || self.hosts.iter().any(|host| is_public(&host.ip()))
    }

    fn has_family(&self, ipv4: bool) -> bool {
        let mut addresses = self.hosts.iter().chain(&self.relayed);
        addresses.any(|address| address.is_ipv4() == ipv4)
    }
}

/// What is known once all pairs have failed.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Our candidates.
    pub ours: &'a Gathered,
    /// Theirs.
    pub theirs: &'a Gathered,
    /// STUN servers were asked.
    pub stun_asked: bool,
    /// Relays were asked for.
    pub relay_asked: bool,
    /// Only relays were to be used.
    pub relay_only: bool,
    /// What failing relays said: `turn.example:3478: 401 Unauthorized`.
    pub relay_failures: &'a [String],
}

/// The likely cause and the way out, for a sentence that begins `no path to NAME: `.
#[must_use]
pub fn cause(facts: &Facts<'_>, name: &str) -> String {
    let why = direct(facts, name);
    let relayed = !facts.ours.relayed.is_empty() || !facts.theirs.relayed.is_empty();
    match (facts.relay_failures.split_first(), relayed) {
        (Some((first, _)), false) if facts.relay_only => format!("TURN {first}"),
        (Some((first, _)), false) => format!("{why}, and TURN {first}"),
        (_, true) => format!("{why}, and not even a relay helped; see \"peer-cli doctor\""),
        (None, false) if facts.relay_asked => format!("{why}, and no relay answered"),
        (None, false) if why.contains("UDP is blocked") => {
            format!("{why}; add a relay over TCP: --turn turns:HOST")
        }
        (None, false) => format!("{why}; add --turn"),
    }
}

/// Why there is no direct path.
fn direct(facts: &Facts<'_>, name: &str) -> String {
    let Facts { ours, theirs, .. } = facts;
    if facts.relay_only {
        return "only relays may be used".to_owned();
    }
    let families = |side: &Gathered| (side.has_family(true), side.has_family(false));
    match (families(ours), families(theirs)) {
        ((true, false), (false, true)) => {
            return format!("we have only IPv4, {name} has only IPv6");
        }
        ((false, true), (true, false)) => {
            return format!("we have only IPv6, {name} has only IPv4");
        }
        _ => {}
    }
    let blocked_here = facts.stun_asked && !ours.is_reachable();
    let blocked_there = !theirs.is_reachable();
    match (blocked_here, blocked_there) {
        (true, true) => return format!("UDP is blocked here, and where {name} is"),
        (true, false) => return "UDP is blocked here".to_owned(),
        (false, true) if ours.is_reachable() => {
            return format!("UDP is blocked where {name} is, or no STUN server was asked there");
        }
        _ => {}
    }
    match (ours.is_symmetric(), theirs.is_symmetric()) {
        (true, true) => "both NATs are symmetric".to_owned(),
        (true, false) => {
            format!("our NAT is symmetric, and that of {name} lets in known ports only")
        }
        (false, true) => {
            format!("the NAT of {name} is symmetric, and ours lets in known ports only")
        }
        (false, false) if !facts.stun_asked => "no STUN server was asked".to_owned(),
        (false, false) => "something between the two drops UDP".to_owned(),
    }
}

/// Not from one of the blocks that only mean something inside of a network.
fn is_public(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared)
        }
        IpAddr::V6(ip) => !(ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "candidate:1 1 udp 1 192.168.1.10 5000 typ host";
    const MAPPED: &str =
        "candidate:2 1 udp 1 203.0.113.11 5000 typ srflx raddr 192.168.1.10 rport 5000";
    const REMAPPED: &str =
        "candidate:2 1 udp 1 203.0.113.11 6001 typ srflx raddr 192.168.1.10 rport 5000";
    const RELAYED: &str =
        "candidate:3 1 udp 1 203.0.113.1 49160 typ relay raddr 192.168.1.10 rport 5000";
    const PUBLIC: &str = "candidate:1 1 udp 1 203.0.113.50 5000 typ host";
    const IPV6: &str = "candidate:1 1 udp 1 2001:db8::1 5000 typ host";

    fn side(lines: &[&str]) -> Gathered {
        let mut gathered = Gathered::default();
        for line in lines {
            gathered.add(line);
        }
        gathered
    }

    #[track_caller]
    fn says(ours: &[&str], theirs: &[&str], wanted: &str) {
        let facts = Facts {
            ours: &side(ours),
            theirs: &side(theirs),
            stun_asked: true,
            relay_asked: false,
            relay_only: false,
            relay_failures: &[],
        };
        assert_eq!(cause(&facts, "bob"), wanted);
    }

    #[test]
    fn each_pair_of_networks_has_its_words() {
        let (cone, symmetric) = (&[HOST, MAPPED][..], &[HOST, MAPPED, REMAPPED][..]);
        let blocked = &[HOST][..];
        says(symmetric, symmetric, "both NATs are symmetric; add --turn");
        says(
            symmetric,
            cone,
            "our NAT is symmetric, and that of bob lets in known ports only; add --turn",
        );
        says(
            cone,
            symmetric,
            "the NAT of bob is symmetric, and ours lets in known ports only; add --turn",
        );
        let over_tcp = "; add a relay over TCP: --turn turns:HOST";
        says(blocked, cone, &format!("UDP is blocked here{over_tcp}"));
        says(
            blocked,
            blocked,
            &format!("UDP is blocked here, and where bob is{over_tcp}"),
        );
        says(
            cone,
            blocked,
            &format!("UDP is blocked where bob is, or no STUN server was asked there{over_tcp}"),
        );
        says(
            cone,
            &[PUBLIC],
            "something between the two drops UDP; add --turn",
        );
        says(
            &[HOST],
            &[IPV6],
            "we have only IPv4, bob has only IPv6; add --turn",
        );
        says(
            &[HOST, MAPPED, RELAYED],
            symmetric,
            "the NAT of bob is symmetric, and ours lets in known ports only, and not even a relay helped; see \"peer-cli doctor\"",
        );
    }

    #[test]
    fn a_relay_that_failed_is_part_of_the_cause() {
        let (ours, theirs) = (side(&[HOST]), side(&[HOST, MAPPED]));
        let failures = ["turn.example:3478: 401 Unauthorized".to_owned()];
        let mut facts = Facts {
            ours: &ours,
            theirs: &theirs,
            stun_asked: true,
            relay_asked: true,
            relay_only: false,
            relay_failures: &failures,
        };
        let why = "UDP is blocked here, and TURN turn.example:3478: 401 Unauthorized";
        assert_eq!(cause(&facts, "bob"), why);
        facts.relay_only = true;
        assert_eq!(
            cause(&facts, "bob"),
            "TURN turn.example:3478: 401 Unauthorized"
        );
        facts.relay_only = false;
        facts.relay_failures = &[];
        let why = "UDP is blocked here, and no relay answered";
        assert_eq!(cause(&facts, "bob"), why);
    }

    #[test]
    fn nonsense_and_names_say_nothing() {
        let gathered = side(&[
            "",
            "candidate:1 1 udp 1 x.local 5000 typ host",
            "candidate:1",
        ]);
        assert!(!gathered.is_reachable() && !gathered.is_symmetric());
        let relayed = side(&[RELAYED]);
        assert!(relayed.is_relayed(SocketAddr::from(([203, 0, 113, 1], 49160))));
    }
}
