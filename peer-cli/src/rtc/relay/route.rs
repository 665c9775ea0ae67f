//! The way from one socket to one TURN server.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;
use webrtc::runtime::AsyncUdpSocket;

use super::family;
use super::watch::{Answer, Watch, is_payload};
use super::{Arrived, Outcome, PATIENCE, RelayError, Relays, nowhere, stream};
use crate::rtc::servers::{TurnServer, TurnTransport};
use crate::rtc::stun::can_reach;

/// Messages that wait for the way to open; the client repeats its requests in any case.
const MAX_WAITING: usize = 16;

/// RFC 8656 15: the server has no address of the family that was asked for.
const FAMILY_NOT_SUPPORTED: u16 = 440;

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

struct Inner {
    way: Way,
    watch: Watch,
    /// Since when it relays.
    up: Option<Instant>,
    /// The crate's own request, where ours for an IPv6 address went out in its place.
    plain: Option<Vec<u8>>,
}

impl Inner {
    fn pass(&mut self, message: &[u8]) -> Next {
        match &mut self.way {
            Way::Opening(waiting) => {
                if waiting.len() < MAX_WAITING {
                    waiting.push_back(message.to_vec());
                }
                Next::Taken
            }
            Way::Datagrams(server) => Next::Send(*server),
            // A full queue loses what comes, as any network does.
            Way::Stream(queue) => {
                let _ = queue.try_send(message.to_vec());
                Next::Taken
            }
            Way::Closed => Next::Taken,
        }
    }
}

enum Way {
    /// Name and connection are on their way.
    Opening(VecDeque<Vec<u8>>),
    /// Datagrams to this address.
    Datagrams(SocketAddr),
    /// Messages into a stream.
    Stream(mpsc::Sender<Vec<u8>>),
    /// There is none.
    Closed,
}

/// Where a message goes next.
pub(super) enum Next {
    /// As a datagram to this address.
    Send(SocketAddr),
    /// It is taken care of.
    Taken,
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
            inner: Arc::new(Mutex::new(Inner {
                way: Way::Opening(VecDeque::new()),
                watch: Watch::default(),
                up: None,
                plain: None,
            })),
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
        if let Some(answer) = answer {
            self.relays.report(self.index, self.outcome(answer));
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
        self.wait_for_an_answer().await;
    }

    async fn open_stream(
        &self,
        server: &TurnServer,
        from: SocketAddr,
        arrived: mpsc::Sender<Arrived>,
    ) {
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
                let was_up = close(&inner);
                relays.report(
                    index,
                    if was_up {
                        Outcome::Lost(why)
                    } else {
                        Outcome::Failed(RelayError::Unreachable(why))
                    },
                );
            }
        });
        self.wait_for_an_answer().await;
    }

    /// Nothing after [`PATIENCE`] is worth a word.
    async fn wait_for_an_answer(&self) {
        let weak = Arc::downgrade(&self.inner);
        let (relays, index) = (self.relays.clone(), self.index);
        tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            let silent = weak.upgrade().is_some_and(|inner| {
                let inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
                inner.up.is_none() && !matches!(inner.way, Way::Closed)
            });
            if silent {
                relays.report(index, Outcome::Failed(RelayError::Silent));
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
        close(&self.inner);
        self.relays.report(self.index, outcome);
    }

    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Ends a way; whether it was up.
fn close(inner: &Mutex<Inner>) -> bool {
    let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
    inner.way = Way::Closed;
    inner.up.is_some()
}
