//! Relayed addresses: a socket and a reader each, which end with the allocation.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::warn;

use super::event::Event;
use super::turn::{NoPort, PortId, Wanted};
use super::udp;

/// Bytes of a datagram from a peer; longer ones (beyond jumbo frames) are lost.
const MAX_DATAGRAM: usize = 9216;

/// Errors and giants in a row, after which others have their turn.
const USELESS_READS: usize = 16;
/// Tries at an even port.
const EVEN_TRIES: usize = 16;

/// All of them.
pub(super) struct Ports {
    open: HashMap<PortId, Port>,
    events: mpsc::Sender<Event>,
    /// What the operator calls this machine.
    public: Vec<IpAddr>,
    /// Where else a socket may be bound: this machine's addresses, if it listens on all of them.
    machine: Vec<IpAddr>,
}

struct Port {
    socket: Arc<UdpSocket>,
    reader: JoinHandle<()>,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Ports {
    pub(super) fn new(
        events: mpsc::Sender<Event>,
        public: Vec<IpAddr>,
        machine: Vec<IpAddr>,
    ) -> Self {
        Self {
            open: HashMap::new(),
            events,
            public,
            machine,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    /// Opens a socket; gives the address under which the world reaches it.
    pub(super) fn bind(&mut self, port: PortId, wanted: Wanted) -> Result<SocketAddr, NoPort> {
        let Wanted {
            ipv6,
            even,
            reached,
        } = wanted;
        let public = self.public.iter().find(|ip| ip.is_ipv6() == ipv6).copied();
        let mut result = Err(NoPort::Family);
        for ip in places(public, ipv6, reached, &self.machine) {
            match open(ip, even) {
                Ok(socket) => {
                    result = Ok(socket);
                    break;
                }
                // The public address of a machine behind a NAT is not its own.
                Err(why) if why.kind() == io::ErrorKind::AddrNotAvailable => {}
                Err(why) => {
                    warn!("cannot open a socket for a relayed address: {why} (see ulimit -n)");
                    result = Err(NoPort::Capacity);
                }
            }
        }
        let socket = Arc::new(result?);
        let local = socket.local_addr().map_err(|_| NoPort::Capacity)?;
        let reader = tokio::spawn(read(port, socket.clone(), self.events.clone()));
        self.open.insert(port, Port { socket, reader });
        Ok(SocketAddr::new(public.unwrap_or(local.ip()), local.port()))
    }

    pub(super) fn close(&mut self, port: PortId) {
        self.open.remove(&port);
    }

    /// Whether the kernel took it.
    pub(super) fn send(&self, port: PortId, to: SocketAddr, data: &[u8]) -> bool {
        let port = self.open.get(&port);
        port.is_some_and(|p| udp::send(&p.socket, to, data))
    }
}

/// On a port that the system picks, or the next one if that one is odd and may not be.
fn open(ip: IpAddr, even: bool) -> io::Result<UdpSocket> {
    let mut socket = udp::open(SocketAddr::new(ip, 0))?;
    for _ in 0..EVEN_TRIES {
        let port = socket.local_addr()?.port();
        if !even || port % 2 == 0 {
            return Ok(socket);
        }
        // The neighbour may be taken: then another one that the system picks.
        let next = udp::open(SocketAddr::new(ip, port.wrapping_add(1)));
        socket = match next {
            Ok(next) => next,
            Err(_) => udp::open(SocketAddr::new(ip, 0))?,
        };
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Addresses to try for a socket of one family, best first.
fn places(public: Option<IpAddr>, ipv6: bool, reached: IpAddr, machine: &[IpAddr]) -> Vec<IpAddr> {
    let usable = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => !ip.is_link_local(),
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    };
    // Who comes over loopback is helped on loopback, and nobody else is.
    let alike = |ip: &&IpAddr| ip.is_loopback() == reached.is_loopback() && usable(ip);
    let all = public.into_iter().chain([reached]);
    let all = all.chain(machine.iter().filter(alike).copied());
    let mut places: Vec<IpAddr> = Vec::new();
    for ip in all.filter(|ip| ip.is_ipv6() == ipv6 && !ip.is_unspecified()) {
        if !places.contains(&ip) {
            places.push(ip);
        }
    }
    places
}

/// Hands on what arrives, as fast as it is taken: the rest waits in the kernel, or is lost there.
async fn read(port: PortId, socket: Arc<UdpSocket>, events: mpsc::Sender<Event>) {
    while socket.readable().await.is_ok() {
        while let Some((data, from)) = read_one(&socket) {
            let event = Event::FromPeer { port, from, data };
            if events.send(event).await.is_err() {
                return;
            }
        }
    }
}

/// The next datagram that is there and not too long. On some systems an error is news of a datagram sent before: no end.
fn read_one(socket: &UdpSocket) -> Option<(Vec<u8>, SocketAddr)> {
    let mut bytes = [0; MAX_DATAGRAM + 1];
    for _ in 0..USELESS_READS {
        match socket.try_recv_from(&mut bytes) {
            Ok((length, from)) if length <= MAX_DATAGRAM => {
                return Some((bytes[..length].to_vec(), from));
            }
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_relayed_address_is_where_the_client_came_or_as_near_as_can_be() {
        let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
        let machine = ["127.0.0.1", "192.0.2.1", "::1", "fe80::1", "2001:db8::1"].map(ip);
        let of = |public: Option<&str>, ipv6, reached: &str| {
            places(public.map(ip), ipv6, ip(reached), &machine)
        };
        assert_eq!(of(None, false, "192.0.2.1"), ["192.0.2.1"].map(ip));
        assert_eq!(of(None, true, "192.0.2.1"), ["2001:db8::1"].map(ip));
        assert_eq!(of(None, true, "127.0.0.1"), ["::1"].map(ip));
        assert_eq!(
            of(Some("203.0.113.5"), false, "192.0.2.1"),
            ["203.0.113.5", "192.0.2.1"].map(ip)
        );
        assert_eq!(places(None, true, ip("192.0.2.1"), &[]), [] as [IpAddr; 0]);
    }
}
