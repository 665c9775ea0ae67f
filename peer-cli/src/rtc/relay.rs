//! Relays (TURN, RFC 8656) below the webrtc crate.
//!
//! The crate's own TURN client speaks UDP only, resolves names inside its driver loop and says nothing about what a
//! server answered. So it is given addresses that exist nowhere: what it sends there is taken at the socket and goes on
//! over UDP, TCP or TLS, with the name resolved and the connection made meanwhile. A server that is slow, dead or refuses
//! costs its own candidate and nothing else, and what it said is overheard and told.

mod family;
mod framing;
mod route;
mod socket;
mod stream;
mod watch;
mod way;

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rtc::peer_connection::configuration::RTCIceServer;
use tokio::sync::mpsc;

use super::options::{PeerOptions, RelayPolicy};
use super::servers::TurnServer;
use crate::net::Dialer;

pub(super) use framing::payload;
pub(super) use socket::RelayedSocket;

/// Servers used at once: each costs an allocation for every address of this machine.
const MAX_SERVERS: usize = 8;

/// A server that has not answered after this long is told as silent.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Checks (RFC 8445) through a new relay wait this long, so that its candidate is known to the other side before they
/// arrive: an unknown address would pass for a direct path there. Relayed pairs are not nominated earlier in any case.
const HOLD: Duration = Duration::from_millis(200);

/// Port of the addresses that exist nowhere.
const PORT: u16 = 3478;

/// The relays of one connection; clones are the same.
#[derive(Clone)]
pub(super) struct Relays(Arc<Shared>);

struct Shared {
    // Neither is ever held across an await.
    servers: RwLock<Vec<TurnServer>>,
    dialer: Dialer,
    hold: Duration,
    reports: mpsc::UnboundedSender<Report>,
    /// Servers reached by a stream already: one connection serves all sockets.
    streams: Mutex<HashSet<usize>>,
}

/// A message from a server, and the address that exists nowhere it comes from.
type Arrived = (Vec<u8>, SocketAddr);

/// How the way from one socket to one server came out; something else may follow a `Silent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// Which server, as people know it.
    pub(super) server: String,
    /// Whether it is the first of this way.
    pub(super) first: bool,
    pub(super) outcome: Outcome,
}

/// Of one way to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A relayed candidate will come, with this address.
    Up(SocketAddr),
    /// Nothing was sent: another socket does it, or none of this kind can.
    Unused,
    /// For this reason.
    Failed(RelayError),
    /// The connection to the server has ended, after it was up.
    Lost(String),
}

/// Why a relay is of no use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum RelayError {
    #[error("no reply in {}s", PATIENCE.as_secs())]
    Silent,
    #[error("cannot resolve its name: {0}")]
    Unresolved(String),
    #[error("{0}")]
    Unreachable(String),
    #[error("{0}")]
    Refused(String),
    #[error("a strange answer: {0}")]
    Strange(&'static str),
}

impl Relays {
    /// The relays that `options` allow, and what comes of them.
    pub(super) fn new(options: &PeerOptions) -> (Self, mpsc::UnboundedReceiver<Report>) {
        let (reports, rx) = mpsc::unbounded_channel();
        let hold = match options.relay {
            RelayPolicy::Only => Duration::ZERO,
            _ => HOLD,
        };
        let shared = Shared {
            servers: RwLock::new(used(options)),
            dialer: options.dialer.clone(),
            hold,
            reports,
            streams: Mutex::default(),
        };
        (Self(Arc::new(shared)), rx)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let servers = self.0.servers.read();
        servers.unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Replaces the servers: for sockets that are bound from now on.
    pub(super) fn renew(&self, options: &PeerOptions) {
        let mut servers = self
            .0
            .servers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *servers = used(options);
    }

    fn servers(&self) -> Vec<TurnServer> {
        let servers = self.0.servers.read();
        servers.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn server(&self, index: usize) -> Option<TurnServer> {
        let servers = self.0.servers.read();
        servers
            .unwrap_or_else(PoisonError::into_inner)
            .get(index)
            .cloned()
    }

    /// What the crate is told of them.
    pub(super) fn ice_servers(&self) -> Vec<RTCIceServer> {
        let server = |(index, server): (usize, &TurnServer)| RTCIceServer {
            urls: vec![url(index)],
            username: or_nobody(server.username()),
            credential: or_nobody(server.password().expose()),
        };
        self.servers().iter().enumerate().map(server).collect()
    }

    /// The addresses of a name that [`Self::ice_servers`] has made up.
    pub(super) fn resolve(&self, host: &str) -> Option<Vec<SocketAddr>> {
        let index = (0..self.count()).find(|index| host == format!("{}:{PORT}", name(*index)))?;
        Some(vec![nowhere(index, true), nowhere(index, false)])
    }

    /// The server behind a URL that the crate was told.
    pub(super) fn behind(&self, told: &str) -> Option<TurnServer> {
        let index = (0..self.count()).find(|index| told.starts_with(&stem(*index)))?;
        self.server(index)
    }

    /// Which server an address that exists nowhere stands for.
    fn index_of(&self, address: SocketAddr) -> Option<usize> {
        if address.port() != PORT {
            return None;
        }
        (0..self.count()).find(|index| nowhere(*index, address.is_ipv4()) == address)
    }

    /// Whether this is the first socket that wants a stream to that server.
    fn claim_stream(&self, index: usize) -> bool {
        let streams = self.0.streams.lock();
        streams
            .unwrap_or_else(PoisonError::into_inner)
            .insert(index)
    }

    fn release_stream(&self, index: usize) {
        let streams = self.0.streams.lock();
        streams
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&index);
    }

    fn report(&self, index: usize, first: bool, outcome: Outcome) {
        let Some(server) = self.server(index) else {
            return;
        };
        tracing::debug!(%server, ?outcome, "relay");
        // Nobody listens once the connection is closing.
        let _ = self.0.reports.send(Report {
            server: server.to_string(),
            first,
            outcome,
        });
    }
}

fn used(options: &PeerOptions) -> Vec<TurnServer> {
    match options.relay {
        RelayPolicy::Never => Vec::new(),
        _ => options.turn.iter().take(MAX_SERVERS).cloned().collect(),
    }
}

/// The crate refuses a server without user and password; a server that wants none does not look.
fn or_nobody(word: &str) -> String {
    if word.is_empty() { "nobody" } else { word }.to_owned()
}

/// A name that no name server knows (RFC 6761 6.4).
fn name(index: usize) -> String {
    format!("relay-{index}.invalid")
}

fn stem(index: usize) -> String {
    format!("turn:{}:", name(index))
}

fn url(index: usize) -> String {
    format!("{}{PORT}?transport=udp", stem(index))
}

/// From the blocks that are never routed: 240.0.0.0/4 (RFC 1112) and 100::/64 (RFC 6666).
fn nowhere(index: usize, ipv4: bool) -> SocketAddr {
    let low = u16::try_from(index + 1).unwrap_or(u16::MAX);
    let ip = if ipv4 {
        let [high, low] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(240, 0, high, low))
    } else {
        IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, low))
    };
    SocketAddr::new(ip, PORT)
}

#[cfg(test)]
mod tests;
