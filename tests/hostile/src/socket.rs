//! A TCP connection to the server, and how it ended.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::cli::Place;
use crate::frames::{self, Frame};

/// Longer than the server lets anybody wait: only a fault of the server lasts as long.
const LIMIT: Duration = Duration::from_secs(60);
/// Between two words of somebody who does not want to be idle.
const NOW_AND_THEN: Duration = Duration::from_secs(1);
/// Bytes of a head, of which the server sends a few hundred.
const MAX_HEAD: usize = 16 << 10;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// An HTTP status that is no upgrade.
    Status(u16),
    /// A close code.
    Code(u16),
    /// Without a word.
    Silence,
    /// It was let in, and left by itself.
    Left,
    /// Nothing happened for far too long.
    Never,
}

/// One connection, and what was read and not yet used.
pub(crate) struct Socket {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Socket {
    pub(crate) async fn connect(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }

    /// With a receive buffer as small as the kernel allows.
    pub(crate) async fn narrow(server: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        Ok(Self::over(socket.connect(server).await?))
    }

    fn over(stream: TcpStream) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sent = timeout(LIMIT, self.stream.write_all(bytes)).await;
        sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Asks for a WebSocket; `query` begins with a question mark.
    pub(crate) async fn upgrade(
        &mut self,
        query: &str,
        from: IpAddr,
        peer_v1: bool,
    ) -> Result<(), Ending> {
        let protocol = if peer_v1 {
            "Sec-WebSocket-Protocol: peer.v1\r\n"
        } else {
            ""
        };
        let head = format!(
            "GET /socket{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}\
             X-Forwarded-For: {from}\r\n\r\n"
        );
        // Whatever went wrong shows in the answer.
        let _ = self.send(head.as_bytes()).await;
        match self.status().await {
            Ending::Status(101) => Ok(()),
            other => Err(other),
        }
    }

    /// The answer's status; its body is left unread, except that of an upgrade, which is the first frame.
    pub(crate) async fn status(&mut self) -> Ending {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let status = self.buffer.get(9..12).and_then(|s| str::from_utf8(s).ok());
                let status = status.and_then(|s| s.parse().ok());
                self.buffer.drain(..end + 4);
                return status.map_or(Ending::Silence, Ending::Status);
            }
            if self.buffer.len() > MAX_HEAD {
                return Ending::Silence;
            }
            if let Err(ending) = self.read().await {
                return ending;
            }
        }
    }

    /// More into the buffer.
    async fn read(&mut self) -> Result<(), Ending> {
        match timeout(LIMIT, self.stream.read_buf(&mut self.buffer)).await {
            Err(_) => Err(Ending::Never),
            Ok(Ok(0) | Err(_)) => Err(Ending::Silence),
            Ok(Ok(_)) => Ok(()),
        }
    }

    /// The next text; pings are answered.
    pub(crate) async fn text(&mut self) -> Result<Vec<u8>, Ending> {
        loop {
            let Some((frame, used)) = frames::first(&self.buffer) else {
                self.read().await?;
                continue;
            };
            self.buffer.drain(..used);
            match frame {
                Frame::Text(text) => return Ok(text),
                Frame::Ping(data) => {
                    let _ = self.send(&frames::masked(0x8a, &data)).await;
                }
                Frame::Close(code) => return Err(code.map_or(Ending::Silence, Ending::Code)),
                Frame::Other => {}
            }
        }
    }

    /// Reads to the end.
    pub(crate) async fn ending(&mut self) -> Ending {
        loop {
            if let Err(ending) = self.text().await {
                return ending;
            }
        }
    }

    /// Reads to the end of what is no WebSocket.
    pub(crate) async fn drained(&mut self) -> Ending {
        loop {
            self.buffer.clear();
            if let Err(ending) = self.read().await {
                return ending;
            }
        }
    }

    /// Says these bytes over and over, as fast as they are taken, until it is told to stop.
    pub(crate) async fn flood(&mut self, bytes: &[u8]) -> Ending {
        let (read, mut write) = self.stream.split();
        let mut ear = Ear {
            read,
            buffer: &mut self.buffer,
        };
        let speaking = async {
            while write.write_all(bytes).await.is_ok() {
                tokio::task::yield_now().await;
            }
            // What has been said to us may still be read.
            std::future::pending().await
        };
        tokio::select! {
            ending = ear.ending() => ending,
            () = speaking => Ending::Silence,
        }
    }

    /// Says these bytes so many times, with pauses; how it ended, if it did before.
    pub(crate) async fn says(
        &mut self,
        bytes: &[u8],
        every: Duration,
        times: u32,
    ) -> Option<Ending> {
        let (read, mut write) = self.stream.split();
        let mut ear = Ear {
            read,
            buffer: &mut self.buffer,
        };
        let speaking = async {
            for _ in 0..times {
                if write.write_all(bytes).await.is_err() {
                    // Why, may still be read.
                    return std::future::pending().await;
                }
                sleep(every).await;
            }
        };
        tokio::select! {
            ending = ear.ending() => Some(ending),
            () = speaking => None,
        }
    }

    /// Never reads, and says something now and then, if there is something, so as not to be idle; until the server has reset the
    /// connection, or until it may not wait any longer.
    pub(crate) async fn reset(&mut self, now_and_then: &[u8]) -> Ending {
        let stream = &self.stream;
        let reset = async {
            loop {
                match timeout(NOW_AND_THEN, stream.ready(Interest::ERROR)).await {
                    Err(_) => match stream.try_write(now_and_then) {
                        Err(why) if why.kind() != io::ErrorKind::WouldBlock => return,
                        _ => {}
                    },
                    Ok(Ok(ready)) if !ready.is_error() => {}
                    Ok(_) => return,
                }
            }
        };
        match timeout(LIMIT, reset).await {
            Ok(()) => Ending::Silence,
            Err(_) => Ending::Never,
        }
    }

    /// Says goodbye and waits for the answer.
    pub(crate) async fn leave(mut self) -> Ending {
        let _ = self.send(&frames::masked(0x88, &[0x03, 0xe8])).await;
        match self.ending().await {
            Ending::Code(1000) | Ending::Silence => Ending::Left,
            other => other,
        }
    }
}

/// The reading half of a socket.
struct Ear<'a, R> {
    read: R,
    buffer: &'a mut Vec<u8>,
}

impl<R: AsyncReadExt + Unpin> Ear<'_, R> {
    async fn ending(&mut self) -> Ending {
        loop {
            // Who asks too much before it is a WebSocket may hear so, if that is not lost with what was still under way.
            let is_one = !self.buffer.starts_with(b"HTTP/");
            while let Some((frame, used)) = frames::first(self.buffer).filter(|_| is_one) {
                self.buffer.drain(..used);
                if let Frame::Close(code) = frame {
                    return code.map_or(Ending::Silence, Ending::Code);
                }
            }
            match timeout(LIMIT, self.read.read_buf(self.buffer)).await {
                Err(_) => return Ending::Never,
                Ok(Ok(0) | Err(_)) => return Ending::Silence,
                Ok(Ok(_)) => {}
            }
        }
    }
}

/// A WebSocket in this room, from this address.
pub(crate) async fn enter(place: &Place, room: &str, from: Ipv4Addr) -> Result<Socket, Ending> {
    enter_as(place, room, from, false).await
}

pub(crate) async fn enter_as(
    place: &Place,
    room: &str,
    from: Ipv4Addr,
    peer_v1: bool,
) -> Result<Socket, Ending> {
    let socket = Socket::connect(place.server).await;
    let mut socket = socket.map_err(|_| Ending::Silence)?;
    let query = format!("?room={room}&token={}", place.token);
    socket.upgrade(&query, from.into(), peer_v1).await?;
    Ok(socket)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
