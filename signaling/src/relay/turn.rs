//! A STUN and TURN server without sockets (RFC 8489, RFC 8656): datagrams and frames go in, datagrams and frames come out,
//! and what is to be done with sockets. Time and randomness are arguments. Only UDP is relayed, one address an allocation;
//! RESERVATION-TOKEN and DONT-FRAGMENT are refused with 420 as the RFC permits, and a pair of ports with 508.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use shared::Secret;

mod allocation;
mod auth;
mod requests;
mod rights;
mod traffic;
mod wire;

use allocation::Allocation;

/// RFC 8489 section 14.9; clients show it to nobody.
const REALM: &str = "signaling";

/// How long an allocation lives that asks for nothing else, RFC 8656 section 3.2.
pub(super) const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);

/// What the machine is told before it starts.
#[derive(Debug)]
pub(super) struct Config {
    /// Of the credentials.
    pub(super) secret: Secret,
    /// Makes nonces unpredictable.
    pub(super) nonce_key: [u8; 20],
    /// Whether private and loopback destinations are permitted.
    pub(super) allow_private: bool,
    /// This machine's own addresses: only what it relays itself may be reached there.
    pub(super) machine: Vec<IpAddr>,
    /// Allocations at once, 508 beyond.
    pub(super) max_allocations: usize,
    /// Allocations of one user at once, 486 beyond.
    pub(super) max_per_user: usize,
    /// Bytes a second and direction through one allocation; 0 is no limit.
    pub(super) max_rate: u32,
    /// Of an allocation that asks for less or nothing; [`DEFAULT_LIFETIME`] outside of tests.
    pub(super) lifetime: Duration,
}

/// The time, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// For lifetimes.
    pub(super) at: Instant,
    /// For credentials and nonces: seconds since 1970.
    pub(super) unix: u64,
}

/// How a client is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Via {
    /// By datagrams, through that socket.
    Udp(usize),
    /// By a stream.
    Tcp(u64),
}

/// The 5-tuple that owns an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Client {
    pub(super) via: Via,
    pub(super) remote: SocketAddr,
    /// The address of ours that it has reached.
    pub(super) local: IpAddr,
}

/// A relayed transport address and its socket; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PortId(pub(super) u64);

/// What kind of socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) ipv6: bool,
    /// Only a port that two divides.
    pub(super) even: bool,
    /// Where the client has reached us.
    pub(super) reached: IpAddr,
}

/// Why there is no socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPort {
    /// This machine has no address of that family.
    Family,
    /// It has no more sockets.
    Capacity,
}

/// What happened.
#[derive(Debug)]
pub(super) enum Input<'a> {
    /// A datagram, or one frame of a stream without its padding.
    FromClient { client: Client, data: &'a [u8] },
    /// A datagram at a relayed address.
    FromPeer {
        port: PortId,
        from: SocketAddr,
        data: &'a [u8],
    },
    /// The answer to [`Output::Bind`]: the address under which the world reaches the socket.
    Bound {
        port: PortId,
        relayed: Result<SocketAddr, NoPort>,
    },
    /// A stream has ended.
    Gone { client: Client },
    /// `poll_timeout` has come.
    Tick,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Send it to the client; over a stream it is still to be padded.
    ToClient {
        client: Client,
        data: Vec<u8>,
        class: Class,
    },
    /// Send it from the relayed address.
    ToPeer {
        port: PortId,
        to: SocketAddr,
        data: Vec<u8>,
    },
    /// Open a socket and say so with [`Input::Bound`].
    Bind { port: PortId, wanted: Wanted },
    /// Close it.
    Unbind { port: PortId },
}

/// What may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The answer to a request.
    Answer,
    /// What a peer has sent.
    Data,
}

/// An Allocate whose socket is being opened.
#[derive(Debug)]
struct Pending {
    client: Client,
    user: String,
    request: Vec<u8>,
}

/// All allocations of this server.
pub(super) struct Turn {
    config: Config,
    allocations: HashMap<PortId, Allocation>,
    pending: HashMap<PortId, Pending>,
    by_client: HashMap<Client, PortId>,
    by_relayed: HashMap<SocketAddr, PortId>,
    /// How many each user has.
    users: HashMap<String, usize>,
    expiries: BTreeSet<(Instant, PortId)>,
    ports: u64,
    indications: u64,
    dropped: u64,
    outputs: VecDeque<Output>,
}

impl Turn {
    /// Without any allocation.
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            allocations: HashMap::new(),
            pending: HashMap::new(),
            by_client: HashMap::new(),
            by_relayed: HashMap::new(),
            users: HashMap::new(),
            expiries: BTreeSet::new(),
            ports: 0,
            indications: 0,
            dropped: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what happened; call `poll_output` until it is empty afterwards.
    pub(super) fn handle(&mut self, now: Moment, input: Input<'_>) {
        match input {
            Input::FromClient { client, data } => self.client_data(now, client, data),
            Input::FromPeer { port, from, data } => self.peer_data(now, port, from, data),
            Input::Bound { port, relayed } => self.bound(now, port, relayed),
            Input::Gone { client } => self.gone(client),
            Input::Tick => self.expire(now.at),
        }
    }

    /// What is to be done next.
    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to send a `Tick`.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// How many there are, those being made included.
    pub(super) fn allocations(&self) -> usize {
        self.by_client.len()
    }

    /// Datagrams that were not relayed for want of a right, a rate or a receiver.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether this client has an allocation or is about to.
    pub(super) fn serves(&self, client: &Client) -> bool {
        self.by_client.contains_key(client)
    }

    /// Ends all of them.
    pub(super) fn end(&mut self) {
        let ports: Vec<PortId> = self.by_client.values().copied().collect();
        ports.into_iter().for_each(|port| self.free(port));
    }

    fn client_data(&mut self, now: Moment, client: Client, data: &[u8]) {
        // RFC 8656 section 12: the first two bits tell ChannelData from STUN.
        match data.first().map(|b| b >> 6) {
            Some(0) => self.message(now, client, data),
            Some(1) => self.channel_data(now, client, data),
            _ => {}
        }
    }

    fn expire(&mut self, now: Instant) {
        while let Some((_, port)) = self.expiries.first().copied().filter(|(at, _)| *at <= now) {
            self.free(port);
        }
    }

    fn gone(&mut self, client: Client) {
        if let Some(port) = self.by_client.get(&client).copied() {
            self.free(port);
        }
    }

    /// Ends an allocation, or the making of one, and all that belongs to it.
    fn free(&mut self, port: PortId) {
        let (client, user) = match (self.allocations.remove(&port), self.pending.remove(&port)) {
            (Some(allocation), _) => {
                self.by_relayed.remove(&allocation.relayed);
                self.expiries.remove(&(allocation.expires, port));
                (allocation.client, allocation.user)
            }
            (None, Some(pending)) => (pending.client, pending.user),
            (None, None) => return,
        };
        self.by_client.remove(&client);
        if let Some(count) = self.users.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                self.users.remove(&user);
            }
        }
        self.outputs.push_back(Output::Unbind { port });
    }

    fn answer(&mut self, client: Client, data: Vec<u8>) {
        let class = Class::Answer;
        self.outputs.push_back(Output::ToClient {
            client,
            data,
            class,
        });
    }
}

#[cfg(test)]
mod tests;
