//! A WebSocket client over whatever carries bytes: RFC 6455.

use std::io::{Read, Write};

/// What a tutorial client asks for.
pub(crate) const UPGRADE: &str = "GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

pub(crate) struct Socket<S> {
    pub(crate) stream: S,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(String),
    Close(u16, String),
}

impl<S: Read + Write> Socket<S> {
    pub(crate) fn open(stream: S) -> Self {
        Self::asking(stream, UPGRADE)
    }

    /// A peer that has heard `welcome`: whoever says something from now on is heard.
    pub(crate) fn peer(stream: S, secret: &str) -> Self {
        Self::welcomed(stream, UPGRADE, secret).0
    }

    /// The same with another request, and with what `welcome` says.
    pub(crate) fn welcomed(stream: S, request: &str, secret: &str) -> (Self, String) {
        let protocol = "\r\nSec-WebSocket-Protocol: peer.v1\r\n\r\n";
        let mut peer = Self::asking(stream, &request.replace("\r\n\r\n", protocol));
        peer.says(&format!(
            r#"{{"event":"hello","data":{{"version":1,"name":"n","role":"call","app":"call","secret":"{secret}"}}}}"#
        ));
        match peer.hears() {
            Heard::Text(text) if text.contains("welcome") => (peer, text),
            other => panic!("{other:?}"),
        }
    }

    /// With this request in place of [`UPGRADE`].
    pub(crate) fn asking(mut stream: S, request: &str) -> Self {
        stream.write_all(request.as_bytes()).unwrap();
        stream.flush().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        Self { stream }
    }

    /// A text frame, masked with nothing.
    pub(crate) fn says(&mut self, text: &str) {
        let mut frame = vec![0x81];
        match text.len() {
            length @ 0..126 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.write_all(&frame).unwrap();
        self.stream.flush().unwrap();
    }

    /// Reads until somebody says this.
    pub(crate) fn hears_of(&mut self, what: &str) {
        loop {
            match self.hears() {
                Heard::Text(text) if text.contains(what) => return,
                Heard::Text(_) => {}
                Heard::Close(code, reason) => panic!("closed with {code} {reason}"),
            }
        }
    }

    /// The next text or close frame.
    pub(crate) fn hears(&mut self) -> Heard {
        loop {
            let mut head = [0; 2];
            self.stream.read_exact(&mut head).unwrap();
            let length = match head[1] {
                126 => {
                    let mut length = [0; 2];
                    self.stream.read_exact(&mut length).unwrap();
                    usize::from(u16::from_be_bytes(length))
                }
                127 => {
                    let mut length = [0; 8];
                    self.stream.read_exact(&mut length).unwrap();
                    usize::try_from(u64::from_be_bytes(length)).unwrap()
                }
                length => usize::from(length),
            };
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).unwrap();
            match head[0] {
                0x81 => return Heard::Text(String::from_utf8(body).unwrap()),
                0x88 => {
                    let code = u16::from_be_bytes([body[0], body[1]]);
                    let reason = String::from_utf8(body[2..].to_vec()).unwrap();
                    return Heard::Close(code, reason);
                }
                0x89 => {}
                other => panic!("a frame of kind {other:#x}"),
            }
        }
    }
}

/// One request and the whole answer.
pub(crate) fn ask(mut stream: impl Read + Write, request: &str) -> String {
    let request = if request.contains("\r\n") {
        request.to_owned()
    } else {
        format!("{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    };
    stream.write_all(request.as_bytes()).unwrap();
    stream.flush().unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}
