//! Connections that are no WebSockets yet: how many there may be, how long and how much they may ask, and the count of those
//! that are turned away before anybody could answer them.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::ServerOptions;
use crate::forwarded::{Network, is_trusted};
use crate::gate::{Full, Gate, Ticket};
use crate::metrics::Metrics;

/// Bytes that may come before something is answered: a request with all its headers, a long token among them.
const MAX_REQUEST: usize = 32 * 1024;

/// Above this share of all places there is less patience, and hardly any with the last.
const CROWDED: f64 = 0.5;
const LEAST_PATIENCE: f64 = 0.05;

/// What the HTTP library says by itself, without asking anybody: RFC 9110 sections 15.5.1 and 15.5.15, RFC 6585 section 5.
const BAD: &[u8] = b"HTTP/1.1 400";
const LONG: [&[u8]; 2] = [b"HTTP/1.1 414", b"HTTP/1.1 431"];

/// What nobody else says: RFC 9110 section 15.5.9, RFC 6585 section 5.
const TOO_SLOW: &str = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: text/plain\r\n\r\n\
    nothing whole was asked in time (see --http-timeout)\n";
const TOO_LARGE: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-type: text/plain\r\n\r\n\
    a request may have 32 KiB\n";

/// Who may stand here.
pub(in crate::http) struct Threshold {
    gate: Gate,
    /// Whole clouds of clients come from these.
    proxies: Vec<Network>,
    patience: Duration,
    metrics: Metrics,
}

impl Threshold {
    pub(in crate::http) fn new(options: &ServerOptions, metrics: Metrics) -> Self {
        let limits = &options.limits;
        Self {
            gate: Gate::of(limits.max_half_open, limits.max_connections_per_ip),
            proxies: options.trusted_proxies.clone(),
            patience: options.http_timeout,
            metrics,
        }
    }

    /// Room for a new connection; one too many is told so, where it can read that and its socket takes it.
    pub(super) fn step_on(
        &self,
        stream: &TcpStream,
        ip: IpAddr,
        plain: bool,
    ) -> Option<Box<Asking>> {
        let entered = if is_trusted(&self.proxies, ip) {
            self.gate.enter_as(None)
        } else {
            self.gate.enter(ip)
        };
        match entered {
            Ok(ticket) => Some(Box::new(Asking {
                life: Box::pin(sleep(self.patience.mul_f64(share(self.gate.fill())))),
                metrics: self.metrics.clone(),
                state: State::Nothing,
                unanswered: 0,
                _ticket: ticket,
            })),
            Err(full) => {
                let (reason, status, text) = turned_away(&full);
                self.metrics.refused(reason);
                let answer = format!(
                    "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: text/plain\r\nretry-after: 5\r\n\r\n{text}\n"
                );
                if plain {
                    // A new socket takes that much; where it does not, the end says enough.
                    let _ = stream.try_write(answer.as_bytes());
                }
                None
            }
        }
    }

    pub(super) fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    pub(super) fn cannot_accept(&self) {
        self.metrics.refused("cannot accept");
    }
}

/// For who counts, the status, and a sentence for the client.
fn turned_away(full: &Full) -> (&'static str, &'static str, String) {
    match full {
        Full::Server(max) => (
            "too many half-open",
            "503 Service Unavailable",
            format!("{max} connections have not asked for anything yet (see --max-half-open)"),
        ),
        Full::Address(max) => (
            "too many half-open from one address",
            "429 Too Many Requests",
            format!(
                "{max} connections from your address have not asked for anything yet (see --max-connections-per-ip)"
            ),
        ),
    }
}

/// Of the usual patience, where so much of the room is taken.
fn share(fill: f64) -> f64 {
    let crowded = ((fill - CROWDED) / (1.0 - CROWDED)).clamp(0.0, 1.0);
    (1.0 - crowded).max(LEAST_PATIENCE)
}

/// One that stands there.
pub(super) struct Asking {
    life: Pin<Box<Sleep>>,
    metrics: Metrics,
    state: State,
    /// Bytes since the last answer.
    unanswered: usize,
    _ticket: Ticket,
}

/// How far it has come; what is left at its end tells why it ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was answered.
    Nothing,
    Answered,
    /// The client has ended it.
    Left,
    Refused(&'static str),
    /// The same, and still to be told so.
    Untold(&'static str, &'static str),
}

impl Asking {
    pub(super) fn may_read(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.life.as_mut().poll(cx).is_ready() {
            // Who was answered and asks nothing more is just let go.
            if self.unanswered > 0 || self.state == State::Nothing {
                self.state = State::Untold("too slow to ask", TOO_SLOW);
            }
            return Err(io::ErrorKind::TimedOut.into());
        }
        if self.unanswered > MAX_REQUEST {
            self.state = State::Untold("request too large", TOO_LARGE);
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(())
    }

    pub(super) fn has_read(&mut self, result: Result<usize, &io::Error>) {
        match result {
            Ok(0) | Err(_) => self.state = State::Left,
            Ok(bytes) => self.unanswered += bytes,
        }
    }

    /// Whoever asks and never reads the answers waits here, not in a read.
    pub(super) fn may_write(&mut self, cx: &mut Context<'_>, answer: &[u8]) -> io::Result<()> {
        if self.life.as_mut().poll(cx).is_ready() {
            self.state = State::Refused("too slow to read an answer");
            return Err(io::ErrorKind::TimedOut.into());
        }
        if self.state != State::Left {
            self.unanswered = 0;
            self.state = if answer.starts_with(BAD) {
                State::Refused("no HTTP")
            } else if LONG.iter().any(|long| answer.starts_with(long)) {
                State::Refused("request too large")
            } else {
                State::Answered
            };
        }
        Ok(())
    }

    /// It has ended without becoming a WebSocket: what is to be said to it.
    pub(super) fn ended(&self) -> &'static str {
        let (reason, answer) = match self.state {
            State::Refused(reason) => (reason, ""),
            State::Untold(reason, answer) => (reason, answer),
            // The HTTP library gave up on it without a word.
            State::Nothing if self.unanswered > 0 => ("no HTTP", ""),
            State::Nothing | State::Answered | State::Left => return "",
        };
        self.metrics.refused(reason);
        answer
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::Limits;

    #[tokio::test]
    async fn one_address_is_bounded_and_a_proxy_is_not() {
        let options = ServerOptions {
            limits: Limits {
                max_connections_per_ip: 1,
                ..Limits::default()
            },
            trusted_proxies: vec!["192.0.2.9".parse().unwrap()],
            ..ServerOptions::default()
        };
        let metrics = Metrics::new();
        let threshold = Threshold::new(&options, metrics.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let step = |ip: &str| threshold.step_on(&stream, ip.parse().unwrap(), true);
        let _first = step("192.0.2.1").unwrap();
        assert!(step("192.0.2.1").is_none());
        let _proxied = [step("192.0.2.9").unwrap(), step("192.0.2.9").unwrap()];
        drop(stream);
        let mut told = String::new();
        client.read_to_string(&mut told).await.unwrap();
        assert!(
            told.starts_with("HTTP/1.1 429 ") && told.contains("1 connections from your address")
        );
        let counted = "refused_total{reason=\"too many half-open from one address\"} 1";
        assert!(metrics.text().contains(counted));
    }

    #[tokio::test]
    async fn who_takes_the_last_place_has_hardly_any_time() {
        let options = ServerOptions {
            limits: Limits {
                max_half_open: 4,
                ..Limits::default()
            },
            http_timeout: Duration::from_secs(100),
            ..ServerOptions::default()
        };
        let threshold = Threshold::new(&options, Metrics::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap();
        let (_client, accepted) = tokio::join!(TcpStream::connect(place), listener.accept());
        let (stream, addr) = accepted.unwrap();
        let step = || threshold.step_on(&stream, addr.ip(), true);
        let inside: Vec<_> = (0..4).map(|_| step().unwrap()).collect();
        let left = |asking: &Asking| asking.life.deadline() - tokio::time::Instant::now();
        let left: Vec<_> = inside.iter().map(|a| left(a).as_secs()).collect();
        assert!(left[0] > 90 && left[3] <= 5, "{left:?}");
        assert!(step().is_none());
    }

    #[test]
    fn patience_shrinks_with_the_room_that_is_left() {
        for (fill, left) in [
            (0.0, 1.0),
            (0.5, 1.0),
            (0.75, 0.5),
            (0.99, 0.05),
            (1.0, 0.05),
        ] {
            assert!(
                (share(fill) - left).abs() < 0.001,
                "{fill}: {}",
                share(fill)
            );
        }
    }
}
