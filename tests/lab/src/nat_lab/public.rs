//! The public segment, and where the servers in it are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use anyhow::Result;

use super::{Family, NatLab};
use crate::coturn;
use crate::namespace::Namespace;

/// The servers' addresses; the second ones are what RFC 5780 needs.
const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const SECOND: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
const SERVER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const SECOND_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
/// Where names are asked for in vain: nobody has this address.
pub(super) const NAME_SERVER: &str = "203.0.113.99";
/// The signaling server's port: also the strictest NAT lets it through.
pub(super) const SIGNALING_PORT: u16 = 80;
/// On this port of the server, UDP and TCP, whatever comes is dropped.
const SILENT_PORT: u16 = 3500;
/// On this one nobody listens, and that is said.
const CLOSED_PORT: u16 = 3501;
/// Behind 443 stands the relay's TLS, as offices let it out.
const PUBLIC_RULES: &str = "table inet public {
  chain pre { type nat hook prerouting priority dstnat;
    tcp dport 443 redirect to :5349
  }
  chain inp { type filter hook input priority filter;
    meta l4proto { tcp, udp } th dport 3500 drop
  }
}
";

impl NatLab {
    /// The signaling server's URL.
    #[must_use]
    pub fn socket(&self) -> String {
        format!("ws://{}/socket", self.server(SIGNALING_PORT))
    }

    /// A port of the server: `203.0.113.1:3478`, `[2001:db8::1]:3478`; IPv4 where there are both.
    #[must_use]
    pub fn server(&self, port: u16) -> String {
        match self.family {
            Family::V4 | Family::Dual => format!("{SERVER}:{port}"),
            Family::V6 => format!("[{SERVER_V6}]:{port}"),
        }
    }

    /// `stun:` of coturn.
    #[must_use]
    pub fn stun(&self) -> String {
        format!("stun:{}", self.server(coturn::PORT))
    }

    /// `stun:` of the same by its second address: only who asks two servers can tell that a NAT is symmetric.
    #[must_use]
    pub fn second_stun(&self) -> String {
        match self.family {
            Family::V4 | Family::Dual => format!("stun:{SECOND}:{}", coturn::PORT),
            Family::V6 => format!("stun:[{SECOND_V6}]:{}", coturn::PORT),
        }
    }

    /// `turn:` of coturn over UDP.
    #[must_use]
    pub fn turn(&self) -> String {
        format!("turn:{}", self.server(coturn::PORT))
    }

    /// `turn:` of coturn over TCP.
    #[must_use]
    pub fn turn_tcp(&self) -> String {
        format!("{}?transport=tcp", self.turn())
    }

    /// `turns:` of coturn, by its address.
    #[must_use]
    pub fn turn_tls(&self) -> String {
        format!("turns:{}", self.server(coturn::TLS_PORT))
    }

    /// `turns:` of coturn on the port that every office lets out, by its name.
    #[must_use]
    pub fn turn_tls_443(&self) -> String {
        format!("turns:{}:443", coturn::SERVER_NAME)
    }

    /// User and password of coturn, where it has no shared secret.
    #[must_use]
    pub fn credentials(&self) -> (&'static str, &'static str) {
        (coturn::USER, coturn::PASSWORD)
    }

    /// `--ca` for the laboratory's TLS servers.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.authority.certificate()
    }

    /// Where whatever comes is dropped.
    #[must_use]
    pub fn silent(&self) -> String {
        self.server(SILENT_PORT)
    }

    /// Where nobody listens, and the kernel says so.
    #[must_use]
    pub fn closed(&self) -> String {
        self.server(CLOSED_PORT)
    }

    /// A name that the name server is asked for and never tells.
    #[must_use]
    pub fn unknown_name(&self) -> &'static str {
        "nobody.lab.test"
    }

    pub(super) fn server_addresses(&self) -> Vec<IpAddr> {
        match self.family {
            Family::V4 => vec![SERVER.into()],
            Family::V6 => vec![SERVER_V6.into()],
            Family::Dual => vec![SERVER.into(), SERVER_V6.into()],
        }
    }

    pub(super) fn listening_addresses(&self) -> Vec<IpAddr> {
        match self.family {
            Family::V4 => vec![SERVER.into(), SECOND.into()],
            Family::V6 => vec![SERVER_V6.into(), SECOND_V6.into()],
            Family::Dual => vec![
                SERVER.into(),
                SECOND.into(),
                SERVER_V6.into(),
                SECOND_V6.into(),
            ],
        }
    }
}

/// The public segment: a bridge with the servers' addresses.
pub(super) fn segment(public: &Namespace, family: Family) -> Result<()> {
    let mut lines = String::from("link add br0 type bridge\nlink set br0 up\n");
    if family != Family::V6 {
        lines += &format!("addr add {SERVER}/24 dev br0\naddr add {SECOND}/24 dev br0\n");
        lines += &nowhere("203.0.113.254");
    }
    if family != Family::V4 {
        lines += &format!(
            "addr add {SERVER_V6}/48 dev br0 nodad\naddr add {SECOND_V6}/48 dev br0 nodad\n"
        );
        lines += &nowhere("2001:db8::fe");
    }
    public.ip(&lines)?;
    public.feed("nft -f -", PUBLIC_RULES).map(drop)
}

/// A default route to a gateway that nobody is: what has no address here is lost, as out there, where no system says so.
///
/// Without it a relay gets "unreachable" from its own kernel for a peer's private address, and coturn then drops the allocation.
fn nowhere(gateway: &str) -> String {
    format!(
        "neigh add {gateway} lladdr 02:00:00:00:00:fe dev br0 nud permanent\n\
         route add default via {gateway}\n"
    )
}
