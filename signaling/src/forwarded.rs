//! Whom a reverse proxy speaks for: `X-Forwarded-For` with its companions, or `Forwarded` (RFC 7239). Only a proxy that the
//! operator trusts is believed, and of a chain only what trusted ones have added.                                     PURE

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

mod element;

use element::Element;

/// Addresses whose word counts: one, or a network in CIDR notation (RFC 4632).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let one = text.parse().map(|ip: IpAddr| IpNet::from(ip));
        let network = one.or_else(|_| text.parse());
        network
            .map(Self)
            .map_err(|_| "not an address or network: write 10.0.0.1, 10.0.0.0/8 or fd00::/8".into())
    }
}

impl Network {
    /// Whether every address is in it.
    pub(crate) fn is_everything(&self) -> bool {
        self.0.prefix_len() == 0
    }

    fn holds(&self, ip: IpAddr) -> bool {
        self.0.contains(&ip)
    }
}

/// The headers, each with all its values in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Said<'a> {
    pub(crate) x_forwarded_for: Vec<&'a str>,
    pub(crate) x_forwarded_proto: Vec<&'a str>,
    pub(crate) x_forwarded_host: Vec<&'a str>,
    pub(crate) forwarded: Vec<&'a str>,
}

/// Who asks, as far as it can be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// Of the client, or of the last proxy whose word counts.
    pub(crate) ip: IpAddr,
    /// It came through a trusted proxy: it is not on this machine, whatever its address looks like.
    pub(crate) proxied: bool,
    /// It speaks TLS, to the proxy at least.
    pub(crate) secure: bool,
    /// What it calls this server, where the proxy says so.
    pub(crate) host: Option<String>,
}

impl Visitor {
    /// Who came by itself.
    pub(crate) const fn direct(ip: IpAddr) -> Self {
        Self {
            ip,
            proxied: false,
            secure: false,
            host: None,
        }
    }
}

/// Whether what this address says about others is believed.
pub(crate) fn is_trusted(trusted: &[Network], ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    trusted.iter().any(|network| network.holds(ip))
}

/// Who asks: `peer` is the other end of the TCP connection.
pub(crate) fn visitor(trusted: &[Network], peer: IpAddr, said: &Said<'_>) -> Visitor {
    let peer = peer.to_canonical();
    if !is_trusted(trusted, peer) {
        return Visitor::direct(peer);
    }
    let old: Vec<Element> = list(&said.x_forwarded_for).map(Element::node).collect();
    let new = element::all(&said.forwarded);
    match (&*old, &*new) {
        ([], []) => Visitor::direct(peer),
        (_, []) => Visitor {
            secure: list(&said.x_forwarded_proto).last().is_some_and(is_secure),
            host: list(&said.x_forwarded_host).last().map(str::to_owned),
            ..behind(walk(trusted, peer, &old).0)
        },
        ([], _) => {
            let (ip, last) = walk(trusted, peer, &new);
            Visitor {
                secure: last.and_then(|l| l.proto.as_deref()).is_some_and(is_secure),
                host: last.and_then(|l| l.host.clone()),
                ..behind(ip)
            }
        }
        // A proxy that sets one of them hands on the other as the client has written it.
        _ => {
            let (ip, other) = (walk(trusted, peer, &old).0, walk(trusted, peer, &new).0);
            behind(if ip == other { ip } else { peer })
        }
    }
}

fn behind(ip: IpAddr) -> Visitor {
    Visitor {
        proxied: true,
        ..Visitor::direct(ip)
    }
}

/// From the last proxy back to the first address that is not trusted, or that nobody can read, and what was said of it.
fn walk<'a>(
    trusted: &[Network],
    peer: IpAddr,
    chain: &'a [Element],
) -> (IpAddr, Option<&'a Element>) {
    let (mut ip, mut last) = (peer, None);
    for element in chain.iter().rev() {
        let Some(before) = element.ip else { break };
        (ip, last) = (before, Some(element));
        if !is_trusted(trusted, ip) {
            break;
        }
    }
    (ip, last)
}

fn list<'a>(values: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    let members = values.iter().flat_map(|value| value.split(','));
    members.map(str::trim).filter(|member| !member.is_empty())
}

fn is_secure(proto: &str) -> bool {
    ["https", "wss"]
        .iter()
        .any(|secure| proto.eq_ignore_ascii_case(secure))
}

#[cfg(test)]
mod tests;
