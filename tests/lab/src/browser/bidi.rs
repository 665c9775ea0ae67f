//! WebDriver BiDi over the WebSocket that the browser opens itself.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::spawn;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use super::options::BrowserOptions;
use super::program::LastWords;
use super::wire::Wire;

/// The way there and the way back: a TCP connection, or the pipes of a program that has one elsewhere.
struct Line {
    from: Box<dyn Read + Send>,
    to: Box<dyn Write + Send>,
}

/// The half that is only read: nothing that the protocol itself would answer is sent, since the other half has the line to itself.
struct Incoming(Box<dyn Read + Send>);

/// The half that is only written.
struct Outgoing(Box<dyn Write + Send>);

/// Ended with the line.
pub(super) struct Elsewhere(Child);

/// Connects to a browser that listens at this port.
pub(super) fn connect(
    port: u64,
    options: &BrowserOptions,
    kept: &'static [&'static str],
    words: LastWords,
) -> Result<(Arc<Wire>, Option<Elsewhere>)> {
    let (line, elsewhere) = match options.place {
        None => (Line::here(port)?, None),
        Some(place) => {
            let (line, elsewhere) = Line::elsewhere(port, place("socat".as_ref()))?;
            (line, Some(elsewhere))
        }
    };
    let url = format!("ws://127.0.0.1:{port}/session");
    let (socket, _) = tungstenite::client(url, line)
        .map_err(|why| anyhow!("no WebSocket to the browser: {why}"))?;
    let Line { from, to } = socket.into_inner();
    let mut to = WebSocket::from_raw_socket(Outgoing(to), Role::Client, None);
    let speak = Box::new(move |text: &str| Ok(to.send(Message::text(text))?));
    let wire = Arc::new(Wire::new("Firefox", page_of, kept, words, speak));
    let ear = Arc::clone(&wire);
    let mut from = WebSocket::from_raw_socket(Incoming(from), Role::Client, None);
    spawn(move || {
        while let Ok(message) = from.read() {
            if let Message::Text(text) = message
                && let Ok(message) = serde_json::from_str(&text)
            {
                ear.take(message);
            }
        }
        ear.end();
    });
    Ok((wire, elsewhere))
}

/// Log entries have it in their source.
fn page_of(event: &Value) -> Option<&str> {
    let params = &event["params"];
    let context = params["context"].as_str();
    context.or_else(|| params["source"]["context"].as_str())
}

impl Line {
    fn here(port: u64) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", u16::try_from(port)?))
            .context("cannot connect to the browser")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            from: Box::new(stream.try_clone()?),
            to: Box::new(stream),
        })
    }

    fn elsewhere(port: u64, mut socat: Command) -> Result<(Self, Elsewhere)> {
        socat.args(["-", &format!("TCP:127.0.0.1:{port},nodelay")]);
        let child = socat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = Elsewhere(child.context("cannot start socat")?);
        let line = Self {
            from: Box::new(child.0.stdout.take().context("no output")?),
            to: Box::new(child.0.stdin.take().context("no input")?),
        };
        Ok((line, child))
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.from.read(buffer)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Outgoing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl std::fmt::Debug for Elsewhere {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("Elsewhere")
            .field(&self.0.id())
            .finish()
    }
}
