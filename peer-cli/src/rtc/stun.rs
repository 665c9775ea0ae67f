//! Server-reflexive candidates (RFC 8445 5.1.1.2) by STUN requests of our own (RFC 8489).
//!
//! The crate resolves names inside its driver loop, before host candidates leave, and waits 11 s for
//! a silent server. Here a server costs nothing but its own candidate: requests leave from the
//! crate's sockets, and the answers are overheard on their way in.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Getter, Message, TransactionId};
use rtc::stun::xoraddr::XorMappedAddress;
use tokio::sync::oneshot;
use webrtc::runtime::AsyncUdpSocket;

use super::servers::StunServer;

/// A server that has not answered after this long is given up for this connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// First retransmission; doubles after each (RFC 8489 6.2.1 asks for 500 ms or less when known fit).
const FIRST_RETRANSMIT: Duration = Duration::from_millis(250);

type Waiting = HashMap<[u8; 12], oneshot::Sender<SocketAddr>>;

/// Hears the answers to our requests among all that a socket receives.
#[derive(Clone, Default)]
pub(super) struct Listener(Arc<Ears>);

#[derive(Default)]
struct Ears {
    /// Checked for each datagram, so that a running call pays one load.
    waiting: AtomicBool,
    // Never held across an await: a request is entered, found or removed in one go.
    requests: Mutex<Waiting>,
}

impl Listener {
    /// Whether any request is unanswered.
    pub(super) fn is_waiting(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Looks at one received datagram; it stays where it is.
    pub(super) fn overhear(&self, datagram: &[u8]) {
        let Some((id, mapped)) = parse_answer(datagram) else {
            return;
        };
        let answered = self.with_requests(|requests| requests.remove(&id));
        if let Some(request) = answered {
            let _ = request.send(mapped);
        }
    }

    fn with_requests<T>(&self, change: impl FnOnce(&mut Waiting) -> T) -> T {
        let mut requests = self
            .0
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut requests);
        self.0
            .waiting
            .store(!requests.is_empty(), Ordering::Relaxed);
        result
    }
}

fn parse_answer(datagram: &[u8]) -> Option<([u8; 12], SocketAddr)> {
    let mut message = Message::new();
    message.unmarshal_binary(datagram).ok()?;
    if message.typ != BINDING_SUCCESS {
        return None;
    }
    let mut mapped = XorMappedAddress::default();
    mapped.get_from(&message).ok()?;
    let mapped = SocketAddr::new(mapped.ip, mapped.port);
    is_usable(mapped).then_some((message.transaction_id.0, mapped))
}

/// Whether anybody could send to an address that a server names.
pub(super) fn is_usable(address: SocketAddr) -> bool {
    let ip = address.ip();
    let broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    !ip.is_unspecified() && !ip.is_multicast() && !broadcast && address.port() != 0
}

/// What a server wrote behind an error code (RFC 8489 14.8), short and harmless.
pub(super) fn reason_in_words(reason: &[u8]) -> String {
    const LONGEST: usize = 60;
    let text = String::from_utf8_lossy(reason);
    let harmless = text.chars().filter(|c| !c.is_control());
    harmless.take(LONGEST).collect::<String>().trim().to_owned()
}

/// Why a server gave no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StunError {
    /// The name has no address.
    Unresolved(String),
    /// Nothing came back in [`PATIENCE`].
    NoReply,
    /// None of our sockets can reach that kind of address; nothing was sent.
    Unreachable,
}

impl StunError {
    /// For people; nothing for what is no failure of the server.
    pub(super) fn in_words(&self) -> Option<String> {
        match self {
            Self::NoReply => Some(format!(
                "no reply in {}s (UDP blocked, or DNS?)",
                PATIENCE.as_secs()
            )),
            Self::Unresolved(why) => Some(format!("cannot resolve its name: {why}")),
            Self::Unreachable => None,
        }
    }
}

/// Asks `server` from one socket what its address looks like from there.
pub(super) async fn mapped_address(
    server: &StunServer,
    socket: &Arc<dyn AsyncUdpSocket>,
    local: SocketAddr,
    listener: &Listener,
) -> Result<SocketAddr, StunError> {
    let addresses = server.resolve().await.map_err(StunError::Unresolved)?;
    let target = addresses
        .into_iter()
        .find(|address| can_reach(local.ip(), address.ip()))
        .ok_or(StunError::Unreachable)?;
    let mut message = Message::new();
    message.typ = BINDING_REQUEST;
    message.transaction_id = TransactionId::new();
    message.encode();
    let (tx, rx) = oneshot::channel();
    let id = message.transaction_id.0;
    listener.with_requests(|requests| requests.insert(id, tx));
    let requests = async {
        let mut pause = FIRST_RETRANSMIT;
        loop {
            let _ = socket.send_to(&message.raw, target).await;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    };
    let answer = async {
        tokio::select! {
            answer = rx => answer.map_err(|_| StunError::NoReply),
            never = requests => never,
        }
    };
    let result = tokio::time::timeout(PATIENCE, answer)
        .await
        .unwrap_or(Err(StunError::NoReply));
    listener.with_requests(|requests| requests.remove(&id));
    result
}

/// Loopback sockets reach loopback servers only, and families do not mix.
pub(super) fn can_reach(local: IpAddr, server: IpAddr) -> bool {
    local.is_ipv4() == server.is_ipv4() && local.is_loopback() == server.is_loopback()
}

/// The `candidate:` attribute (RFC 8839 5.1) of a mapped address.
pub(super) fn candidate_line(mapped: SocketAddr, base: SocketAddr) -> String {
    const COMPONENT: u32 = 1;
    // RFC 8445 5.1.2: type preference 100 for server-reflexive, any local preference.
    let priority = (100 << 24) | (0xffff << 8) | (256 - COMPONENT);
    // One foundation for each base: same type, same server address.
    let foundation = base.ip().to_string().bytes().fold(7_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    format!(
        "candidate:{foundation} {COMPONENT} udp {priority} {} {} typ srflx raddr {} rport {}",
        mapped.ip(),
        mapped.port(),
        base.ip(),
        base.port()
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rtc::stun::message::Setter;

    fn answer(id: TransactionId) -> Vec<u8> {
        let mut message = Message::new();
        message.typ = BINDING_SUCCESS;
        message.transaction_id = id;
        message.write_header();
        let mapped = XorMappedAddress {
            ip: "203.0.113.9".parse().unwrap(),
            port: 4242,
        };
        mapped.add_to(&mut message).unwrap();
        message.encode();
        message.raw
    }

    #[test]
    fn only_the_awaited_answer_is_heard_and_only_once() {
        let listener = Listener::default();
        let id = TransactionId::new();
        let (tx, mut rx) = oneshot::channel();
        listener.with_requests(|requests| requests.insert(id.0, tx));
        assert!(listener.is_waiting());
        listener.overhear(b"");
        listener.overhear(&[0xff; 40]);
        listener.overhear(&answer(TransactionId::new()));
        assert!(rx.try_recv().is_err());
        listener.overhear(&answer(id));
        assert_eq!(rx.try_recv().unwrap().to_string(), "203.0.113.9:4242");
        assert!(!listener.is_waiting());
    }

    #[test]
    fn the_candidate_names_its_base() {
        let line = candidate_line(
            "203.0.113.9:4242".parse().unwrap(),
            "192.168.1.2:5000".parse().unwrap(),
        );
        assert!(line.starts_with("candidate:"));
        assert!(line.ends_with(
            " 1 udp 1694498815 203.0.113.9 4242 typ srflx raddr 192.168.1.2 rport 5000"
        ));
    }

    #[test]
    fn families_and_loopback_do_not_mix() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(can_reach(ip("10.0.0.1"), ip("203.0.113.1")));
        assert!(can_reach(ip("127.0.0.1"), ip("127.0.0.1")));
        assert!(!can_reach(ip("127.0.0.1"), ip("203.0.113.1")));
        assert!(!can_reach(ip("10.0.0.1"), ip("2001:db8::1")));
    }
}
