//! Two hosts on one Ethernet, as in a home: names of mDNS (RFC 6762) are answered from one to the other.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Result;

use crate::namespace::Namespace;
use crate::nat_lab::Side;

/// Their addresses are those set aside for documents (RFC 5737).
#[derive(Debug)]
pub struct Lan {
    hosts: [Namespace; 2],
}

/// Each is the other's way to the rest of the world, since Firefox looks for its addresses on that.
const ADDRESSES: [&str; 2] = ["192.0.2.1", "192.0.2.2"];

/// What a firewall of a desktop does: datagrams come in only from where some went to, but for mDNS.
const GUARDED: &str = "table inet guarded {
  chain incoming {
    type filter hook input priority 0; policy accept;
    iifname eth0 meta l4proto udp udp dport != 5353 ct state new drop
  }
}
";

impl Lan {
    /// Builds it.
    ///
    /// # Errors
    /// Without root, or when a tool is missing.
    pub fn new() -> Result<Self> {
        let hosts = [Namespace::new()?, Namespace::new()?];
        let [a, b] = &hosts;
        a.without_address_detection()?;
        b.without_address_detection()?;
        a.ip(&format!(
            "link add eth0 type veth peer name eth0 netns {}\n",
            b.id()
        ))?;
        for (host, own, other) in [(a, 0, 1), (b, 1, 0)] {
            let (own, other) = (ADDRESSES[own], ADDRESSES[other]);
            host.ip(&format!(
                "addr add {own}/24 dev eth0\nlink set eth0 up\nroute add default via {other}\n"
            ))?;
        }
        Ok(Self { hosts })
    }

    /// A program on this host.
    #[must_use]
    pub fn command(&self, side: Side, program: impl AsRef<OsStr>) -> Command {
        self.host(side).command(program)
    }

    /// Where this host is.
    #[must_use]
    pub fn address(&self, side: Side) -> &'static str {
        ADDRESSES[side as usize]
    }

    /// From now on datagrams come to this host only from where it has sent some to, but for mDNS.
    ///
    /// # Errors
    /// When `nft` fails.
    pub fn guard(&self, side: Side) -> Result<()> {
        self.host(side).feed("nft -f -", GUARDED).map(drop)
    }

    fn host(&self, side: Side) -> &Namespace {
        &self.hosts[side as usize]
    }
}
