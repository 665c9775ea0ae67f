//! The way to a relay: datagrams, or frames of a stream.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// Towards the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

pub(crate) enum Line {
    Udp(UdpSocket),
    /// With what has been read and is no whole frame yet.
    Tcp(TcpStream, Vec<u8>),
}

impl Line {
    pub(crate) async fn connect(server: SocketAddr, transport: Transport) -> Self {
        if transport == Transport::Tcp {
            let stream = TcpStream::connect(server).await.expect("a relay");
            stream.set_nodelay(true).expect("no delay");
            return Self::Tcp(stream, Vec::new());
        }
        let any = if server.is_ipv4() {
            "0.0.0.0:0"
        } else {
            "[::]:0"
        };
        let socket = UdpSocket::bind(any).await.expect("a port");
        socket.connect(server).await.expect("a way");
        Self::Udp(socket)
    }

    pub(crate) fn transport(&self) -> Transport {
        match self {
            Self::Udp(_) => Transport::Udp,
            Self::Tcp(..) => Transport::Tcp,
        }
    }

    pub(crate) fn local(&self) -> SocketAddr {
        let local = match self {
            Self::Udp(socket) => socket.local_addr(),
            Self::Tcp(stream, _) => stream.local_addr(),
        };
        local.expect("bound")
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        match self {
            Self::Udp(socket) => drop(socket.send(bytes).await.expect("a way")),
            Self::Tcp(stream, _) => stream.write_all(bytes).await.expect("a stream"),
        }
    }

    /// One datagram or frame; nothing is lost if it is given up half way.
    pub(crate) async fn read(&mut self) -> Vec<u8> {
        match self {
            Self::Udp(socket) => {
                let mut bytes = vec![0; 1 << 16];
                loop {
                    // An error is news of a datagram sent before.
                    if let Ok(length) = socket.recv(&mut bytes).await {
                        bytes.truncate(length);
                        return bytes;
                    }
                }
            }
            Self::Tcp(stream, buffer) => loop {
                if let Some(length) = frame(buffer) {
                    return buffer.drain(..length).collect();
                }
                let more = stream.read_buf(buffer).await.expect("a stream");
                assert!(more > 0, "the relay has closed the connection");
            },
        }
    }

    /// Until the stream ends; a reset is an end, too.
    pub(crate) async fn end(&mut self) {
        let Self::Tcp(stream, _) = self else {
            panic!("no stream")
        };
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
}

/// Bytes of the first frame of a stream, padding included, once it is whole.
fn frame(buffer: &[u8]) -> Option<usize> {
    let body = usize::from(u16::from_be_bytes([*buffer.get(2)?, *buffer.get(3)?]));
    let stun = buffer[0] & 0xc0 == 0;
    let length = if stun {
        20 + body
    } else {
        4 + body.next_multiple_of(4)
    };
    (buffer.len() >= length).then_some(length)
}
