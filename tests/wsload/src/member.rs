//! One connection: from the TCP handshake to the last frame.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use socket2::SockRef;

use crate::dialect::{Dialect, Heard, Place};
use crate::frame;

/// Any 16 bytes in base64 (RFC 6455 section 4.1); the answer to it is not looked at.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The longest answer to an upgrade that is waited for.
const MAX_ANSWER: usize = 8 * 1024;

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum State {
    /// TCP.
    Connecting,
    /// HTTP.
    Upgrading,
    /// WebSocket, but not yet spoken to.
    Open,
    /// It may speak and is heard.
    Ready,
    /// Over, and nobody wanted that.
    Ended,
}

/// What the peer.v1 one among tutorial clients says first, to be told who leaves.
pub(crate) const WATCHER: &str = r#"{"event":"hello","data":{"version":1,"name":null,"role":"answer","app":"call","secret":"the load's own watcher"}}"#;

/// One of the crowd.
pub(crate) struct Member {
    pub(crate) stream: TcpStream,
    pub(crate) place: Place,
    pub(crate) state: State,
    /// When it was begun, since the run was.
    pub(crate) begun: Duration,
    /// The id of the only other one, where the server gave it one.
    pub(crate) other: String,
    /// What ended it.
    pub(crate) why: Option<String>,
    /// Reads nothing.
    pub(crate) deaf: bool,
    /// Bytes that came.
    pub(crate) read: u64,
    /// Speaks peer.v1, and only listens.
    pub(crate) watcher: bool,
    upgrade: Vec<u8>,
    unread: Vec<u8>,
    unwritten: Vec<u8>,
}

/// How a server is asked.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) addr: SocketAddr,
    pub(crate) path: String,
    pub(crate) dialect: Dialect,
}

impl Member {
    /// Begins to connect. Its end will be a reset, so that no run leaves ports in TIME_WAIT for the next.
    pub(crate) fn connect(
        door: &Door,
        place: Place,
        watcher: bool,
        now: Duration,
    ) -> io::Result<Self> {
        let stream = TcpStream::connect(door.addr)?;
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        let protocol = if watcher {
            format!("Sec-WebSocket-Protocol: {}\r\n", shared::SUBPROTOCOL)
        } else {
            String::new()
        };
        let upgrade = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{protocol}\r\n",
            door.dialect.target(&door.path, place),
            door.addr
        );
        Ok(Self {
            stream,
            place,
            state: State::Connecting,
            begun: now,
            other: String::new(),
            why: None,
            deaf: false,
            read: 0,
            watcher,
            upgrade: upgrade.into_bytes(),
            unread: Vec::new(),
            unwritten: Vec::new(),
        })
    }

    /// The socket takes bytes.
    pub(crate) fn writable(&mut self) {
        match self.state {
            State::Connecting => match self.stream.peer_addr() {
                Ok(_) => {
                    self.state = State::Upgrading;
                    let upgrade = std::mem::take(&mut self.upgrade);
                    self.write(&upgrade);
                }
                Err(e) if e.kind() == ErrorKind::NotConnected => {
                    if let Ok(Some(error)) = self.stream.take_error() {
                        self.end(error.to_string());
                    }
                }
                Err(e) => self.end(e.to_string()),
            },
            State::Ended => {}
            _ if self.unwritten.is_empty() => {}
            _ => {
                let waiting = std::mem::take(&mut self.unwritten);
                self.write(&waiting);
            }
        }
    }

    /// Sends bytes; what the socket does not take waits.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if !self.unwritten.is_empty() {
            return self.unwritten.extend(bytes);
        }
        let mut left = bytes;
        while !left.is_empty() {
            match self.stream.write(left) {
                Ok(count) => left = &left[count..],
                Err(e) if e.kind() == ErrorKind::WouldBlock => return self.unwritten.extend(left),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return self.end(format!("cannot write: {e}")),
            }
        }
    }

    /// Reads all there is; each text that means something goes to `heard`.
    pub(crate) fn readable(
        &mut self,
        dialect: Dialect,
        scratch: &mut [u8],
        heard: &mut impl FnMut(Heard),
    ) {
        while self.state != State::Ended && !self.deaf {
            match self.stream.read(scratch) {
                Ok(0) => self.end("the server hung up".into()),
                Ok(count) => {
                    self.read += count as u64;
                    self.take(dialect, &scratch[..count], heard);
                    // Epoll tells of what comes after a short read (epoll(7), edge-triggered).
                    if count < scratch.len() {
                        return;
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => self.end(format!("cannot read: {e}")),
            }
        }
    }

    fn take(&mut self, dialect: Dialect, fresh: &[u8], heard: &mut impl FnMut(Heard)) {
        let mut kept = std::mem::take(&mut self.unread);
        let mut bytes = fresh;
        if !kept.is_empty() {
            kept.extend(fresh);
            bytes = &kept;
        }
        if self.state == State::Upgrading {
            match self.upgraded(bytes, dialect) {
                Some(used) => bytes = &bytes[used..],
                None => return self.unread = bytes.to_vec(),
            }
        }
        while let Some(frame) = frame::parse(bytes) {
            match frame.opcode {
                frame::TEXT => heard(dialect.hear(frame.payload, self.place.member)),
                frame::PING => self.write(&frame::of_client(frame::PONG, frame.payload)),
                frame::CLOSE => {
                    let code = frame::close_code(frame.payload);
                    let code = code.map_or("no code".into(), |code| code.to_string());
                    return self.end(code);
                }
                _ => {}
            }
            bytes = &bytes[frame.size..];
        }
        self.unread = bytes.to_vec();
    }

    /// The bytes of a good answer to the upgrade, once it is whole.
    fn upgraded(&mut self, bytes: &[u8], dialect: Dialect) -> Option<usize> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            if bytes.len() > MAX_ANSWER {
                self.end("an endless answer".into());
            }
            return None;
        };
        if !bytes.starts_with(b"HTTP/1.1 101") {
            let line = bytes.split(|byte| *byte == b'\r').next();
            self.end(String::from_utf8_lossy(line.unwrap_or_default()).into_owned());
            return None;
        }
        self.state = if dialect.ready_when_open() {
            State::Ready
        } else {
            State::Open
        };
        if self.watcher {
            self.write(&frame::of_client(frame::TEXT, WATCHER.as_bytes()));
        } else if let Some(greeting) = dialect.greeting(self.place) {
            self.write(&frame::of_client(frame::TEXT, greeting.as_bytes()));
        }
        Some(end + 4)
    }

    pub(crate) fn end(&mut self, why: String) {
        if self.state != State::Ended {
            self.state = State::Ended;
            self.why = Some(why);
        }
    }
}
