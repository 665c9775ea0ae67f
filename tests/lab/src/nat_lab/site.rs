//! One side: a host, the NAT before it, and the cables.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use anyhow::{Result, ensure};

use super::Family;
use crate::cable::Cable;
use crate::namespace::Namespace;
use crate::nat::Nat;

/// A host behind a NAT.
#[derive(Debug)]
pub(super) struct Site {
    number: u8,
    family: Family,
    nat: Namespace,
    pub(super) host: Namespace,
    kind: Nat,
    /// In place of a good one that nothing can be done to.
    pub(super) cable: Option<Cable>,
    /// How many addresses the host has had before this one.
    moves: u8,
}

/// The last part of the host's first address.
const FIRST: u8 = 10;
/// All that is forwarded, either way, before anything else looks at it.
const DARK: &str = "table inet dark {
  chain everything { type filter hook forward priority -400; policy drop; }
}
";

impl Site {
    /// Makes both namespaces and connects them with each other and with the bridge of the public segment.
    pub(super) fn new(
        number: u8,
        family: Family,
        public: &Namespace,
        seed: Option<u64>,
    ) -> Result<Self> {
        let mut site = Self {
            number,
            family,
            nat: Namespace::new()?,
            host: Namespace::new()?,
            kind: Nat::PortRestricted,
            cable: None,
            moves: 0,
        };
        site.nat.without_address_detection()?;
        site.host.without_address_detection()?;
        site.plug(public, seed)?;
        site.route(public)?;
        site.give_address()?;
        Ok(site)
    }

    /// The cables.
    fn plug(&mut self, public: &Namespace, seed: Option<u64>) -> Result<()> {
        let (number, nat, host) = (self.number, &self.nat, &self.host);
        public.ip(&format!(
            "link add p{number} type veth peer name wan netns {}\nlink set p{number} master br0 up\n",
            nat.id()
        ))?;
        match seed {
            Some(seed) => {
                let seed = seed ^ u64::from(number);
                self.cable = Some(Cable::between([(nat, "lan"), (host, "eth0")], seed)?);
            }
            None => nat.ip(&format!(
                "link add lan type veth peer name eth0 netns {}\nlink set lan up\n",
                host.id()
            ))?,
        }
        nat.ip("link set wan up\n")?;
        host.ip("link set eth0 up\n")
    }

    /// The NAT's addresses, and where it sends what is not for it.
    fn route(&self, public: &Namespace) -> Result<()> {
        let (number, nat) = (self.number, &self.nat);
        if self.family != Family::V6 {
            nat.run("sysctl -qw net.ipv4.ip_forward=1")?;
            nat.ip(&format!(
                "addr add 203.0.113.1{number}/24 dev wan\naddr add 192.168.{number}.1/24 dev lan\n"
            ))?;
        }
        if self.family != Family::V4 {
            let other = 3 - number;
            nat.run("sysctl -qw net.ipv6.conf.all.forwarding=1")?;
            nat.ip(&format!(
                "addr add 2001:db8::1{number}/48 dev wan nodad\n\
                 addr add 2001:db8:{number}::1/64 dev lan nodad\n\
                 route add 2001:db8:{other}::/64 via 2001:db8::1{other}\n"
            ))?;
            // The servers' way back, as a provider would have it.
            public.ip(&format!(
                "route add 2001:db8:{number}::/64 via 2001:db8::1{number}\n"
            ))?;
        }
        Ok(())
    }

    /// The kind of NAT from now on.
    pub(super) fn set(&mut self, kind: Nat) -> Result<()> {
        self.kind = kind;
        self.nat.feed("nft -f -", &kind.rules(self.address()))?;
        self.nat.run("conntrack -F").map(drop)
    }

    pub(super) fn dark(&self) -> Result<()> {
        self.nat.feed("nft -f -", DARK).map(drop)
    }

    pub(super) fn light(&self) -> Result<()> {
        self.nat.run("nft delete table inet dark").map(drop)
    }

    /// By the ports that they have on the host, for which nothing passes any more.
    pub(super) fn kill_flows(&self, inward_only: bool) -> Result<()> {
        let host = format!("src={} ", self.address());
        let flows = self.nat.run("conntrack -L -p udp")?;
        let ours = flows.lines().filter(|flow| flow.contains(&host));
        let ports: BTreeSet<u16> = ours.filter_map(|flow| port_of(flow, &host)).collect();
        ensure!(!ports.is_empty(), "nothing flows from {host}: {flows}");
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        let (ports, host) = (ports.join(", "), self.address());
        let outward = match inward_only {
            true => String::new(),
            false => format!("ip saddr {host} udp sport {{ {ports} }} drop"),
        };
        let rules = format!(
            "table inet dead {{
  chain ports {{
    type filter hook forward priority -100
    {outward}
    ip daddr {host} udp dport {{ {ports} }} drop
  }}
}}
"
        );
        self.nat.feed("nft -f -", &rules).map(drop)
    }

    pub(super) fn delete_address(&mut self) -> Result<()> {
        self.host.ip("addr flush dev eth0 scope global\n")
    }

    pub(super) fn add_address(&mut self) -> Result<()> {
        self.moves += 1;
        self.give_address()?;
        // Some kinds name the host. Without conntrack -F: the NAT itself has not changed.
        self.nat
            .feed("nft -f -", &self.kind.rules(self.address()))
            .map(drop)
    }

    pub(super) fn address(&self) -> Ipv4Addr {
        Ipv4Addr::new(192, 168, self.number, FIRST + self.moves)
    }

    fn give_address(&self) -> Result<()> {
        let number = self.number;
        let mut lines = String::new();
        if self.family != Family::V6 {
            lines += &format!(
                "addr add {}/24 dev eth0\nroute add default via 192.168.{number}.1\n",
                self.address()
            );
        }
        if self.family != Family::V4 {
            let last = FIRST + self.moves;
            lines += &format!(
                "addr add 2001:db8:{number}::{last}/64 dev eth0 nodad\n\
                 route add default via 2001:db8:{number}::1\n"
            );
        }
        self.host.ip(&lines)
    }
}

/// The port of this end of a flow, as conntrack lists it: `src=… dst=… sport=… dport=…` for each direction.
fn port_of(flow: &str, end: &str) -> Option<u16> {
    let (_, rest) = flow.split_once(end)?;
    let (_, port) = rest.split_once("sport=")?;
    port.split_whitespace().next()?.parse().ok()
}
