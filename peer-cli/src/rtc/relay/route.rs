//! The way from one socket to one TURN server.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use webrtc::runtime::AsyncUdpSocket;

use super::family;
use super::watch::{Answer, is_payload};
use super::way::{Inner, Next, Way};
use super::{Arrived, Outcome, PATIENCE, RelayError, Relays, nowhere, stream};
use crate::rtc::servers::{TurnServer, TurnTransport};
use crate::rtc::stun::can_reach;

/// RFC 8656 15: the server has no address of the family that was asked for.
const FAMILY_NOT_SUPPORTED: u16 = 440;

/// A stream that is not open after this long is told as silent, while it is still tried; a little longer than a name
/// server has, so that its own silence is told as such.
const OPENING: Duration = PATIENCE.saturating_add(Duration::from_millis(300));

/// One way; clones are the same.
#[derive(Clone)]
pub(super) struct Route {
    relays: Relays,
    index: usize,
    socket: Arc<dyn AsyncUdpSocket>,
    ipv6: bool,
    // Never held across an await: a message is looked at and passed on in one go.
    inner: Arc<Mutex<Inner>>,
}

/// What the crate is to see of a message.
pub(super) enum Seen {
    /// The message.
    AsItIs,
    /// This one.
    Instead(Vec<u8>),
    /// None of it.
    Nothing,
}

impl Route {
    /// Starts opening a way; what arrives on a stream comes out of `arrived`.
    pub(super) fn open(
        relays: &Relays,
        index: usize,
        local: SocketAddr,
        socket: &Arc<dyn AsyncUdpSocket>,
        arrived: &mpsc::Sender<Arrived>,
    ) -> Self {
        let route = Self {
            relays: relays.clone(),
            index,
            socket: Arc::clone(socket),
            ipv6: local.is_ipv6(),
            inner: Arc::default(),
        };
        let Some(server) = relays.server(index) else {
            return route;
        };
        let opening = route.clone();
        if server.transport() == TurnTransport::Udp {
            tokio::spawn(async move { opening.open_datagrams(&server, local).await });
        } else if relays.claim_stream(index) {
            let arrived = arrived.clone();
            let from = nowhere(index, local.is_ipv4());
            tokio::spawn(async move { opening.open_stream(&server, from, arrived).await });
        } else {
            route.close(Outcome::Unused);
        }
        route
    }

    /// Looks at a message on its way out and says where it goes.
    pub(super) fn send(&self, message: &[u8]) -> Next {
        if is_payload(message) {
            let hold = self.relays.0.hold;
            return self.with(|inner| match inner.up {
                Some(up) if up.elapsed() >= hold => inner.pass(message),
                _ => Next::Taken,
            });
        }
        let server = self.relays.server(self.index).filter(|_| self.ipv6);
        let rewritten =
            server.and_then(|server| family::for_ipv6(message, server.password().expose()));
        let Some(rewritten) = rewritten else {
            return self.with(|inner| {
                inner.watch.sent(message);
                inner.pass(message)
            });
        };
        let next = self.with(|inner| {
            inner.plain = Some(message.to_vec());
            inner.watch.sent(&rewritten);
            inner.pass(&rewritten)
        });
        self.dispatch(next, rewritten);
        Next::Taken
    }

    /// Looks at a message that came from the server.
    pub(super) fn heard(&self, message: &[u8]) -> Seen {
        let whole = family::without_nothing(message).filter(|_| self.ipv6);
        let (answer, plain) = self.with(|inner| {
            let answer = inner.watch.heard(whole.as_deref().unwrap_or(message));
            match &answer {
                Some(Answer::Up(_)) => inner.up = Some(Instant::now()),
                // It has no IPv6 address to give: then whatever it has.
                Some(Answer::Refused { code, .. }) if *code == FAMILY_NOT_SUPPORTED => {
                    return (answer, inner.plain.take());
                }
                _ => {}
            }
            (answer, None)
        });
        if let Some(plain) = plain {
            let next = self.with(|inner| {
                inner.watch.sent(&plain);
                inner.pass(&plain)
            });
            self.dispatch(next, plain);
            return Seen::Nothing;
        }
        let strange = matches!(answer, Some(Answer::Strange(_)));
        if let Some(answer) = answer {
            report(&self.relays, self.index, &self.inner, self.outcome(answer));
        }
        if strange {
            return Seen::Nothing;
        }
        whole.map_or(Seen::AsItIs, Seen::Instead)
    }

    fn outcome(&self, answer: Answer) -> Outcome {
        match answer {
            Answer::Up(relayed) => Outcome::Up(relayed),
            Answer::Refused { code, reason } => {
                Outcome::Failed(RelayError::Refused(self.refusal(code, &reason)))
            }
            Answer::Open => Outcome::Failed(RelayError::Refused(
                "it relays for anybody, which is not supported (give it users)".to_owned(),
            )),
            Answer::Strange(what) => Outcome::Failed(RelayError::Strange(what)),
        }
    }

    /// Sends a message that is not the crate's own.
    fn dispatch(&self, next: Next, message: Vec<u8>) {
        if let Next::Send(address) = next {
            let socket = Arc::clone(&self.socket);
            tokio::spawn(async move { socket.send_to(&message, address).await });
        }
    }

    /// Whether datagrams from this address come from the server.
    pub(super) fn is_from(&self, address: SocketAddr) -> bool {
        self.with(|inner| matches!(inner.way, Way::Datagrams(server) if server == address))
    }

    fn refusal(&self, code: u16, reason: &str) -> String {
        let server = self.relays.server(self.index);
        match server.as_ref().map_or("", TurnServer::username) {
            "" => format!("{code} {reason} (no user given: --turn-user)"),
            user => format!("{code} {reason} (user \"{user}\")"),
        }
    }

    async fn open_datagrams(&self, server: &TurnServer, local: SocketAddr) {
        let addresses = match server.resolve().await {
            Ok(addresses) => addresses,
            Err(why) => return self.close(Outcome::Failed(RelayError::Unresolved(why))),
        };
        let reachable = |address: &SocketAddr| can_reach(local.ip(), address.ip());
        let Some(address) = addresses.into_iter().find(reachable) else {
            return self.close(Outcome::Unused);
        };
        for message in self.opened(Way::Datagrams(address)) {
            let _ = self.socket.send_to(&message, address).await;
        }
        self.expect_an_answer(PATIENCE);
    }

    async fn open_stream(
        &self,
        server: &TurnServer,
        from: SocketAddr,
        arrived: mpsc::Sender<Arrived>,
    ) {
        self.expect_an_answer(OPENING);
        let stream = match stream::dial(&self.relays.0.dialer, server).await {
            Ok(stream) => stream,
            Err(error) => {
                self.relays.release_stream(self.index);
                return self.close(Outcome::Failed(error));
            }
        };
        let (queue, messages) = mpsc::channel(stream::QUEUE);
        for message in self.opened(Way::Stream(queue.clone())) {
            let _ = queue.try_send(message);
        }
        // Only the route holds it from now on: the stream ends with the route.
        drop(queue);
        let weak = Arc::downgrade(&self.inner);
        let relays = self.relays.clone();
        let index = self.index;
        tokio::spawn(async move {
            let why = stream::run(stream, messages, &arrived, from).await;
            relays.release_stream(index);
            if let (Some(why), Some(inner)) = (why, weak.upgrade()) {
                let outcome = if lock(&inner).close() {
                    Outcome::Lost(why)
                } else {
                    Outcome::Failed(RelayError::Unreachable(why))
                };
                report(&relays, index, &inner, outcome);
            }
        });
    }

    /// If nothing has been heard after so long, that is worth a word.
    fn expect_an_answer(&self, patience: Duration) {
        let weak = Arc::downgrade(&self.inner);
        let (relays, index) = (self.relays.clone(), self.index);
        tokio::spawn(async move {
            tokio::time::sleep(patience).await;
            if let Some(inner) = weak.upgrade().filter(|inner| !lock(inner).reported) {
                report(&relays, index, &inner, Outcome::Failed(RelayError::Silent));
            }
        });
    }

    /// The way is open; gives what has waited for it.
    fn opened(&self, way: Way) -> VecDeque<Vec<u8>> {
        self.with(|inner| match std::mem::replace(&mut inner.way, way) {
            Way::Opening(waiting) => waiting,
            _ => VecDeque::new(),
        })
    }

    fn close(&self, outcome: Outcome) {
        self.with(Inner::close);
        report(&self.relays, self.index, &self.inner, outcome);
    }

    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut lock(&self.inner))
    }
}

/// Tells how a way came out, and whether that is the first word of it.
fn report(relays: &Relays, index: usize, inner: &Mutex<Inner>, outcome: Outcome) {
    let first = !std::mem::replace(&mut lock(inner).reported, true);
    relays.report(index, first, outcome);
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}
