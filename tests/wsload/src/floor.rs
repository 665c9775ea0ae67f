//! The least that a broadcast costs: one room, one thread, no checks, and the same system calls as a server makes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use serde_json::{Value, json};

use crate::cli::Floor;
use crate::frame;

const LISTENER: Token = Token(usize::MAX);
const EVENTS: usize = 1024;
const SCRATCH: usize = 64 * 1024;

/// What every handshake of the load is answered with: its key is always the same.
const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct Client {
    stream: TcpStream,
    upgraded: bool,
    unread: Vec<u8>,
    unwritten: Vec<u8>,
}

/// Serves until it is killed.
pub(crate) fn run(options: &Floor, tell: &dyn Fn(&Value)) -> Result<()> {
    let mut poll = Poll::new().context("cannot wait for sockets")?;
    let addr = (Ipv4Addr::LOCALHOST, 0).into();
    let mut listener = TcpListener::bind(addr).context("cannot listen")?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    tell(&json!({"event": "listening", "addr": listener.local_addr()?.to_string()}));
    let mut events = Events::with_capacity(EVENTS);
    let mut clients: Vec<Client> = Vec::new();
    let mut scratch = vec![0; SCRATCH];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut clients)?;
                continue;
            }
            let number = event.token().0;
            if event.is_writable() {
                clients[number].flush();
            }
            if event.is_readable() {
                let said = clients[number].read(&mut scratch);
                for (_, client) in clients
                    .iter_mut()
                    .enumerate()
                    .filter(|(other, _)| *other != number)
                {
                    for text in &said {
                        client.unwritten.extend(text);
                        if !options.gather {
                            client.flush();
                        }
                    }
                }
            }
        }
        if options.gather {
            clients.iter_mut().for_each(Client::flush);
        }
    }
}

fn accept(listener: &TcpListener, poll: &Poll, clients: &mut Vec<Client>) -> Result<()> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                stream.set_nodelay(true)?;
                let both = Interest::READABLE | Interest::WRITABLE;
                poll.registry()
                    .register(&mut stream, Token(clients.len()), both)?;
                clients.push(Client {
                    stream,
                    upgraded: false,
                    unread: Vec::new(),
                    unwritten: Vec::new(),
                });
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(e) => return Err(e.into()),
        }
    }
}

impl Client {
    /// The frames that have come, as the others are to hear them.
    fn read(&mut self, scratch: &mut [u8]) -> Vec<Vec<u8>> {
        let mut said = Vec::new();
        loop {
            let count = match self.stream.read(scratch) {
                Ok(0) | Err(_) => return said,
                Ok(count) => count,
            };
            self.unread.extend(&scratch[..count]);
            if !self.upgraded {
                if !self.unread.ends_with(b"\r\n\r\n") {
                    continue;
                }
                self.upgraded = true;
                self.unread.clear();
                self.unwritten.extend(ANSWER);
                self.flush();
                return said;
            }
            let mut used = 0;
            while let Some(frame) = frame::parse(&self.unread[used..]) {
                // The load's mask is zero.
                said.push(frame::of_server(frame::TEXT, frame.payload));
                used += frame.size;
            }
            self.unread.drain(..used);
            if count < scratch.len() {
                return said;
            }
        }
    }

    fn flush(&mut self) {
        while !self.unwritten.is_empty() {
            match self.stream.write(&self.unwritten) {
                Ok(count) => drop(self.unwritten.drain(..count)),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if would_block(&e) => return,
                // It is gone.
                Err(_) => return self.unwritten.clear(),
            }
        }
    }
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}
