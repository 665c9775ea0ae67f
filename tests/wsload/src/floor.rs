//! The least that a broadcast in rooms costs: one thread, no checks, and the same system calls as a server makes.

use std::collections::HashMap;
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
    /// Which it asked for.
    room: usize,
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
    let mut rooms: HashMap<usize, Vec<usize>> = HashMap::new();
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
            if !event.is_readable() {
                continue;
            }
            let is_new = !clients[number].upgraded;
            let said = clients[number].read(&mut scratch);
            let room = rooms.entry(clients[number].room).or_default();
            if is_new && clients[number].upgraded {
                room.push(number);
            }
            for other in room.iter().copied().filter(|other| *other != number) {
                clients[other].tell(&said, options.gather);
            }
        }
        if options.gather {
            clients.iter_mut().for_each(Client::flush);
        }
    }
}

/// The number at the end of a request's target, `/socket?room=7`.
fn room(request: &[u8]) -> usize {
    let digits = request
        .iter()
        .skip_while(|byte| **byte != b'?')
        .skip_while(|byte| !byte.is_ascii_digit())
        .take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |room, digit| room * 10 + usize::from(digit - b'0'))
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
                    room: 0,
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
                self.room = room(&self.unread);
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

    fn tell(&mut self, said: &[Vec<u8>], later: bool) {
        for text in said {
            self.unwritten.extend(text);
            if !later {
                self.flush();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_found_in_a_request() {
        assert_eq!(
            room(b"GET /socket?room=17 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
            17
        );
        assert_eq!(room(b"GET /socket HTTP/1.1\r\n\r\n"), 0);
    }
}
