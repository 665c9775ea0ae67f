//! The embedded STUN and TURN server, and the short-lived credentials for it and for relays elsewhere:
//! - `turn`: who may relay what to whom (pure), with `credentials`, `policy`, `frame` (pure)
//! - `task`: the one task that owns it; `udp`, `tcp`, `ports`: its sockets towards clients and peers
//! - `ice_servers`, `url`: what clients are told of it (pure)

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use shared::Secret;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::limits::{Limits, bound};

mod credentials;
mod event;
mod frame;
mod ice_servers;
mod policy;
mod ports;
mod task;
mod tcp;
mod turn;
mod udp;
mod url;

pub(crate) use ice_servers::{IceServers, Reached};
pub(crate) use url::turn_url;

use ice_servers::Place;

/// The port of STUN and TURN, RFC 8489 section 18.6.
pub const DEFAULT_PORT: u16 = 3478;

/// Tries at finding a port that is free for UDP and TCP alike.
const TRIES: usize = 16;

/// What a relay is told before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayOptions {
    /// Where clients ask, by UDP and TCP; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The addresses under which the world reaches it, one for each family at most; none is the bound one.
    pub ips: Vec<IpAddr>,
    /// Whether loopback and private destinations are permitted.
    pub allow_private: bool,
    /// Allocations at once; 0 means no limit, here and below.
    pub max_allocations: usize,
    /// Allocations of one user at once.
    pub max_allocations_per_user: usize,
    /// Bytes a second through one allocation, each way; four seconds' worth may pass at once.
    pub max_rate: u32,
    /// How long an allocation lives that asks for less or for nothing.
    pub lifetime: Duration,
}

impl RelayOptions {
    /// The usual limits, at this address.
    pub const fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            ips: Vec::new(),
            allow_private: false,
            max_allocations: 1000,
            max_allocations_per_user: 8,
            max_rate: 4 << 20,
            lifetime: turn::DEFAULT_LIFETIME,
        }
    }
}

/// What a relay holds at this moment; a handle that outlives it.
#[derive(Debug, Clone, Default)]
pub struct RelayUsage(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    allocations: AtomicUsize,
    sockets: AtomicUsize,
    streams: AtomicUsize,
    dropped: AtomicU64,
}

impl RelayUsage {
    /// Allocations.
    pub fn allocations(&self) -> usize {
        self.0.allocations.load(Ordering::Relaxed)
    }

    /// Sockets of relayed addresses.
    pub fn sockets(&self) -> usize {
        self.0.sockets.load(Ordering::Relaxed)
    }

    /// TCP connections of clients.
    pub fn streams(&self) -> usize {
        self.0.streams.load(Ordering::Relaxed)
    }

    /// Datagrams that were not relayed, ever: no permission, too fast, or nobody to take them.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

/// A relay that is bound and does not answer yet.
pub struct Relay {
    options: RelayOptions,
    /// The addresses that lead to this machine.
    machine: Vec<IpAddr>,
    bound: SocketAddr,
    udp: Vec<udp::Socket>,
    tcp: Vec<TcpListener>,
    usage: RelayUsage,
}

impl Relay {
    /// Binds its sockets, or says what is in the way.
    pub fn bind(options: RelayOptions) -> anyhow::Result<Self> {
        let wanted = options.listen;
        let mut result = sockets(wanted);
        for _ in 1..TRIES {
            match &result {
                Err(why) if wanted.port() == 0 && why.kind() == io::ErrorKind::AddrInUse => {
                    result = sockets(wanted);
                }
                _ => break,
            }
        }
        let (bound, udp, tcp) = result.map_err(|why| cannot_bind(wanted, &why))?;
        Ok(Self {
            machine: machine(&options.ips)?,
            options,
            bound,
            udp,
            tcp,
            usage: RelayUsage::default(),
        })
    }

    /// Where clients ask.
    pub const fn addr(&self) -> SocketAddr {
        self.bound
    }

    /// What it holds, now and later.
    pub fn usage(&self) -> RelayUsage {
        self.usage.clone()
    }

    fn place(&self) -> Place {
        Place {
            bound: self.bound,
            ips: self.options.ips.clone(),
        }
    }

    /// Serves until `shutdown`.
    fn start(
        self,
        secret: Secret,
        nonce_key: [u8; 20],
        limits: &Limits,
        shutdown: CancellationToken,
    ) -> JoinHandle<()> {
        let config = turn::Config {
            secret,
            nonce_key,
            allow_private: self.options.allow_private,
            machine: self.machine.clone(),
            max_allocations: bound(self.options.max_allocations),
            max_per_user: bound(self.options.max_allocations_per_user),
            max_rate: self.options.max_rate,
            lifetime: self.options.lifetime,
        };
        tokio::spawn(task::run(self, config, limits.clone(), shutdown))
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relay({})", self.bound)
    }
}

/// What signaling hands out, and the relay's task if there is one. A secret that nobody gave is made up: it need not outlive
/// this server, since nobody else knows it.
pub(crate) fn start(
    relay: Option<Relay>,
    secret: Option<Secret>,
    outside: Vec<String>,
    limits: &Limits,
    shutdown: &CancellationToken,
) -> io::Result<(IceServers, Option<JoinHandle<()>>)> {
    let Some(relay) = relay else {
        return Ok((IceServers::new(secret, None, outside), None));
    };
    let mut random = [0; 52];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let (nonce_key, made_up) = random.split_at(20);
    let nonce_key = nonce_key.try_into().map_err(io::Error::other)?;
    let secret = secret.unwrap_or_else(|| Secret::new(data_encoding::HEXLOWER.encode(made_up)));
    let ice = IceServers::new(Some(secret.clone()), Some(relay.place()), outside);
    let task = relay.start(secret, nonce_key, limits, shutdown.clone());
    Ok((ice, Some(task)))
}

/// The addresses that lead to this machine; behind a NAT that forwards to it, those of the world do, too. Without knowing
/// them a relay would be a way around its own firewall, so there is none then.
fn machine(public: &[IpAddr]) -> anyhow::Result<Vec<IpAddr>> {
    let interfaces = if_addrs::get_if_addrs()
        .map_err(|why| anyhow!("cannot relay: this machine's addresses cannot be listed: {why}"))?;
    let own = interfaces.iter().map(if_addrs::Interface::ip);
    Ok(own.chain(public.iter().copied()).collect())
}

/// One socket of each kind; for every address of this machine, one of each kind and family.
fn sockets(wanted: SocketAddr) -> io::Result<(SocketAddr, Vec<udp::Socket>, Vec<TcpListener>)> {
    let first = udp::Socket::bind(wanted)?;
    let bound = first.local();
    let mut udp = vec![first];
    let mut tcp = vec![tcp::bind(bound)?];
    if bound.ip().is_unspecified() && bound.is_ipv6() {
        let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, bound.port()));
        udp.push(udp::Socket::bind(v4)?);
        tcp.push(tcp::bind(v4)?);
    }
    Ok((bound, udp, tcp))
}

fn cannot_bind(addr: SocketAddr, why: &io::Error) -> anyhow::Error {
    let advice = match why.kind() {
        io::ErrorKind::AddrInUse => {
            "is another relay running? try --relay with another port, or port 0"
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: try a higher one",
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: bind 0.0.0.0 and name the public one with --relay-ip"
        }
        _ => "try another --relay",
    };
    anyhow!("cannot relay on {addr}: {} ({advice})", why.kind())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_the_operator_calls_this_machine_is_part_of_it() {
        let public: IpAddr = "203.0.113.5".parse().unwrap();
        let machine = machine(&[public]).unwrap();
        assert!(machine.contains(&public), "{machine:?}");
        assert!(machine.contains(&Ipv4Addr::LOCALHOST.into()), "{machine:?}");
    }
}
