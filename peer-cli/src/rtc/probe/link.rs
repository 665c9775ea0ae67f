//! One way to one server: UDP with retransmissions (RFC 8489 6.2.1), or a stream.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rtc::stun::message::{MESSAGE_HEADER_SIZE, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use super::{ProbeError, message, source};
use crate::net::Stream;

/// First retransmission; doubles after each.
pub(super) const RETRANSMIT: Duration = Duration::from_millis(250);

/// Larger than any message that a probe is sent.
const LARGEST: usize = 4096;

pub(super) enum Link {
    /// Connected, so that an ICMP error comes back.
    Udp(UdpSocket),
    /// TCP or TLS: each message says how long it is (RFC 8489 6.2.2).
    Stream(Stream),
}

impl Link {
    /// UDP to the first address that there is a way to.
    pub(super) async fn udp(
        addresses: Result<Vec<SocketAddr>, String>,
        bind: &[IpAddr],
    ) -> Result<Self, ProbeError> {
        let mut failed = None;
        for to in addresses.map_err(ProbeError::Unresolved)? {
            let Some(from) = source(bind, to) else {
                failed.get_or_insert(ProbeError::Bound);
                continue;
            };
            match connected(from, to).await {
                Ok(socket) => return Ok(Self::Udp(socket)),
                Err(error) => failed = Some(ProbeError::Unreachable(error.to_string())),
            }
        }
        Err(failed.unwrap_or_else(|| ProbeError::Unresolved("its name has no address".to_owned())))
    }

    /// The server's address and ours.
    pub(super) fn ends(&self) -> Result<(SocketAddr, SocketAddr), ProbeError> {
        match self {
            Self::Udp(socket) => {
                let ends = socket
                    .peer_addr()
                    .and_then(|peer| Ok((peer, socket.local_addr()?)));
                ends.map_err(failure)
            }
            Self::Stream(_) => Err(ProbeError::Strange("a stream has no address".to_owned())),
        }
    }

    pub(super) async fn send(&mut self, message: &Message) -> Result<(), ProbeError> {
        match self {
            Self::Udp(socket) => socket.send(&message.raw).await.map(drop).map_err(failure),
            Self::Stream(stream) => {
                stream.write_all(&message.raw).await.map_err(cut)?;
                stream.flush().await.map_err(cut)
            }
        }
    }

    /// The next message; whatever else arrives is passed over.
    pub(super) async fn receive(&mut self) -> Result<Message, ProbeError> {
        match self {
            Self::Udp(socket) => {
                let mut buffer = [0; LARGEST];
                loop {
                    let length = socket.recv(&mut buffer).await.map_err(failure)?;
                    if let Some(message) = message::parse(&buffer[..length]) {
                        return Ok(message);
                    }
                }
            }
            Self::Stream(stream) => receive_framed(stream).await,
        }
    }

    /// Sends a request, again and again over UDP, and waits for its answer: that, and how long it took.
    pub(super) async fn ask(
        &mut self,
        request: &Message,
        patience: Duration,
    ) -> Result<(Message, Duration), ProbeError> {
        let start = Instant::now();
        let end = start + patience;
        let mut pause = match self {
            Self::Udp(_) => RETRANSMIT,
            Self::Stream(_) => patience,
        };
        loop {
            self.send(request).await?;
            let until = (Instant::now() + pause).min(end);
            pause *= 2;
            let answer = async {
                loop {
                    let message = self.receive().await?;
                    if message.transaction_id == request.transaction_id {
                        return Ok(message);
                    }
                }
            };
            match tokio::time::timeout_at(until.into(), answer).await {
                Ok(answer) => return answer.map(|answer| (answer, start.elapsed())),
                Err(_) if Instant::now() >= end => return Err(ProbeError::NoReply),
                Err(_) => {}
            }
        }
    }
}

async fn connected(from: IpAddr, to: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((from, 0)).await?;
    socket.connect(to).await?;
    Ok(socket)
}

async fn receive_framed(stream: &mut Stream) -> Result<Message, ProbeError> {
    let strange = || ProbeError::Strange("it does not speak STUN".to_owned());
    let mut bytes = vec![0; MESSAGE_HEADER_SIZE];
    stream.read_exact(&mut bytes).await.map_err(cut)?;
    let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
    if bytes[0] & 0xc0 != 0 || MESSAGE_HEADER_SIZE + length > LARGEST {
        return Err(strange());
    }
    bytes.resize(MESSAGE_HEADER_SIZE + length, 0);
    stream
        .read_exact(&mut bytes[MESSAGE_HEADER_SIZE..])
        .await
        .map_err(cut)?;
    message::parse(&bytes).ok_or_else(strange)
}

fn failure(error: io::Error) -> ProbeError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ProbeError::Closed,
        _ => ProbeError::Unreachable(error.to_string()),
    }
}

fn cut(error: io::Error) -> ProbeError {
    ProbeError::Dial(error.into())
}
