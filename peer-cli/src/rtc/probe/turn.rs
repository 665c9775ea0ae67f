//! One allocation on a TURN server (RFC 8656), and a datagram through it and back.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rtc::stun::attributes::{ATTR_XOR_RELAYED_ADDRESS, Attributes};
use rtc::stun::message::{
    CLASS_INDICATION, Getter, METHOD_ALLOCATE, METHOD_CREATE_PERMISSION, METHOD_DATA,
    METHOD_REFRESH, METHOD_SEND, Message,
};
use rtc::turn::proto::PROTO_UDP;
use rtc::turn::proto::data::Data;
use rtc::turn::proto::lifetime::Lifetime;
use rtc::turn::proto::peeraddr::PeerAddress;
use rtc::turn::proto::relayaddr::RelayedAddress;
use rtc::turn::proto::reqfamily::REQUESTED_FAMILY_IPV6;
use rtc::turn::proto::reqtrans::RequestedTransport;

use super::super::servers::{TurnServer, TurnTransport};
use super::client::Client;
use super::link::{Link, RETRANSMIT};
use super::{ProbeError, message};
use crate::net::Dialer;

/// 440: it has no address of that family.
const NO_SUCH_FAMILY: u16 = 440;

/// Bytes sent through the relay and back.
const ECHO: usize = 32;

/// A server that has done its work may take this long to let go of the allocation.
const PARTING: Duration = Duration::from_millis(500);

/// An allocation that was made, used and given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// The address that it got on the server.
    pub relayed: SocketAddr,
    /// Our address as the server sees it.
    pub mapped: Option<SocketAddr>,
    /// Of the last Allocate request.
    pub round_trip: Duration,
    /// How a datagram got from us through the relay to itself and back.
    pub echo: Result<Duration, ProbeError>,
}

/// What [`allocation`] gives.
pub type Relayed = Result<Allocation, ProbeError>;

/// Allocates on `server`, sends a datagram to the relayed address itself, waits for it to come back,
/// and gives the allocation back.
///
/// # Errors
/// Why there is no allocation.
pub async fn allocation(
    server: &TurnServer,
    dialer: &Dialer,
    bind: &[IpAddr],
    patience: Duration,
) -> Relayed {
    let link = open(server, dialer, bind, patience).await?;
    let mut client = Client::new(
        link,
        server.username(),
        server.password().expose(),
        patience,
    )?;
    let (answer, round_trip) = allocate(&mut client).await?;
    let relayed = relayed(&answer)?;
    let echo = echo(&mut client, relayed, patience).await;
    release(&mut client).await;
    Ok(Allocation {
        relayed,
        mapped: message::mapped(&answer),
        round_trip,
        echo,
    })
}

async fn open(
    server: &TurnServer,
    dialer: &Dialer,
    bind: &[IpAddr],
    patience: Duration,
) -> Result<Link, ProbeError> {
    let (host, port) = (server.host(), server.port());
    let dialled = async {
        Ok(Link::Stream(match server.transport() {
            TurnTransport::Udp => return Link::udp(server.resolve().await, bind).await,
            TurnTransport::Tcp => dialer.tcp(host, port).await?,
            TurnTransport::Tls => dialer.tls(host, port).await?,
        }))
    };
    tokio::time::timeout(patience, dialled)
        .await
        .unwrap_or(Err(ProbeError::NoReply))
}

/// IPv4, as a server gives unless asked otherwise, else IPv6 (RFC 8656 18.7).
async fn allocate(client: &mut Client) -> Result<(Message, Duration), ProbeError> {
    let udp = RequestedTransport {
        protocol: PROTO_UDP,
    };
    match client.ask(METHOD_ALLOCATE, &[&udp]).await {
        Err(ProbeError::Refused {
            code: NO_SUCH_FAMILY,
            ..
        }) => {}
        result => return result,
    }
    client
        .ask(METHOD_ALLOCATE, &[&udp, &REQUESTED_FAMILY_IPV6])
        .await
}

/// XOR-RELAYED-ADDRESS; coturn with IPv6 alone puts a second one behind `0.0.0.0:0`.
fn relayed(answer: &Message) -> Result<SocketAddr, ProbeError> {
    let attributes = answer.attributes.0.iter();
    let each = attributes.filter(|attribute| attribute.typ == ATTR_XOR_RELAYED_ADDRESS);
    each.filter_map(|attribute| {
        let alone = Message {
            attributes: Attributes(vec![attribute.clone()]),
            transaction_id: answer.transaction_id,
            ..Message::default()
        };
        let mut relayed = RelayedAddress::default();
        relayed.get_from(&alone).ok()?;
        Some(SocketAddr::new(relayed.ip, relayed.port))
    })
    .find(|address| !address.ip().is_unspecified())
    .ok_or_else(|| ProbeError::Strange("no relayed address in it".to_owned()))
}

/// Gives the allocation back. It would expire, too, but a quota may be small.
async fn release(client: &mut Client) {
    let parting = client.ask(METHOD_REFRESH, &[&Lifetime(Duration::ZERO)]);
    let _ = tokio::time::timeout(PARTING, parting).await;
}

async fn echo(
    client: &mut Client,
    relayed: SocketAddr,
    patience: Duration,
) -> Result<Duration, ProbeError> {
    let peer = PeerAddress {
        ip: relayed.ip(),
        port: relayed.port(),
    };
    client.ask(METHOD_CREATE_PERMISSION, &[&peer]).await?;
    let content = crate::entropy::bytes::<ECHO>().to_vec();
    let mut indication = message::message(METHOD_SEND, CLASS_INDICATION);
    message::add(&mut indication, &peer)?;
    message::add(&mut indication, &Data(content.clone()))?;
    let end = Instant::now() + patience;
    let mut pause = RETRANSMIT;
    while Instant::now() < end {
        let sent = Instant::now();
        client.link.send(&indication).await?;
        let until = (sent + pause).min(end);
        pause *= 2;
        let back = async {
            loop {
                let message = client.link.receive().await?;
                let mut data = Data::default();
                let is_data = message.typ.method == METHOD_DATA && data.get_from(&message).is_ok();
                if is_data && data.0 == content {
                    return Ok(sent.elapsed());
                }
            }
        };
        if let Ok(back) = tokio::time::timeout_at(until.into(), back).await {
            return back;
        }
    }
    Err(ProbeError::NoReply)
}
