//! A client of a signaling server that costs little, for many messages from one machine.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tungstenite::{ClientRequestBuilder, Error, Message, WebSocket};

/// One WebSocket, read and written by whoever waits for it.
#[derive(Debug)]
pub struct Chatter {
    socket: WebSocket<TcpStream>,
}

/// From a handshake to its answer.
const PATIENCE: Duration = Duration::from_secs(20);

impl Chatter {
    /// A tutorial client in this room.
    ///
    /// # Errors
    /// When there is no server.
    pub fn tutorial(addr: SocketAddr, room: &str) -> Result<Self> {
        Self::open(addr, room, false)
    }

    /// A `peer.v1` client in this room; also what its `welcome` says. Its name makes its identity.
    ///
    /// # Errors
    /// When there is no server, or none that speaks it.
    pub fn peer(addr: SocketAddr, room: &str, name: &str) -> Result<(Self, Value)> {
        let mut chatter = Self::open(addr, room, true)?;
        let secret = format!("the-secret-of-the-chatter-{name}");
        let data =
            json!({"version": 1, "name": name, "role": "either", "app": "bench", "secret": secret});
        chatter.write(json!({"event": "hello", "data": data}).to_string())?;
        chatter.flush()?;
        let text = chatter.read(PATIENCE)?.context("no welcome")?;
        let welcome: Value = serde_json::from_str(&text)?;
        if welcome["event"] != "welcome" {
            bail!("no welcome, but {text}");
        }
        Ok((chatter, welcome["data"].clone()))
    }

    fn open(addr: SocketAddr, room: &str, peer_v1: bool) -> Result<Self> {
        let stream = TcpStream::connect(addr).with_context(|| format!("no server at {addr}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let url = format!("ws://{addr}/socket?room={room}");
        let mut request = ClientRequestBuilder::new(url.parse()?);
        if peer_v1 {
            request = request.with_sub_protocol("peer.v1");
        }
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(why) => bail!("no WebSocket at {addr}: {why}"),
        }
    }

    /// Puts a message into the buffer.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn write(&mut self, text: String) -> Result<()> {
        self.socket
            .write(Message::text(text))
            .context("cannot write")
    }

    /// Sends what is in the buffer.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn flush(&mut self) -> Result<()> {
        self.socket.flush().context("cannot send")
    }

    /// The next message; `None` if none comes in time.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn read(&mut self, limit: Duration) -> Result<Option<String>> {
        let limit = Some(limit.max(Duration::from_millis(1)));
        self.socket.get_ref().set_read_timeout(limit)?;
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(Some(text.as_str().to_owned())),
                Ok(_) => {}
                Err(Error::Io(why)) if is_late(&why) => return Ok(None),
                Err(why) => return Err(why).context("cannot read"),
            }
        }
    }
}

fn is_late(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
