//! The way from one socket to one TURN server.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;
use webrtc::runtime::AsyncUdpSocket;

use super::watch::{Answer, Watch, is_payload};
use super::{Arrived, Outcome, PATIENCE, RelayError, Relays, nowhere, stream};
use crate::rtc::servers::{TurnServer, TurnTransport};
use crate::rtc::stun::can_reach;

/// Messages that wait for the way to open; the client repeats its requests in any case.
const MAX_WAITING: usize = 16;

/// One way; clones are the same.
#[derive(Clone)]
pub(super) struct Route {
    relays: Relays,
    index: usize,
    // Never held across an await: a message is looked at and passed on in one go.
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    way: Way,
    watch: Watch,
    /// Since when it relays.
    up: Option<Instant>,
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
            inner: Arc::new(Mutex::new(Inner {
                way: Way::Opening(VecDeque::new()),
                watch: Watch::default(),
                up: None,
            })),
        };
        let Some(server) = relays.server(index) else {
            return route;
        };
        let opening = route.clone();
        if server.transport() == TurnTransport::Udp {
            let socket = Arc::clone(socket);
            tokio::spawn(async move { opening.open_datagrams(&server, local, &socket).await });
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
        let hold = self.relays.0.hold;
        self.with(|inner| {
            if is_payload(message) {
                if inner.up.is_none_or(|up| up.elapsed() < hold) {
                    return Next::Taken;
                }
            } else {
                inner.watch.sent(message);
            }
            match &mut inner.way {
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
        })
    }

    /// Looks at a message that came from the server.
    pub(super) fn heard(&self, message: &[u8]) {
        let answer = self.with(|inner| {
            let answer = inner.watch.heard(message)?;
            if matches!(answer, Answer::Up(_)) {
                inner.up = Some(Instant::now());
            }
            Some(answer)
        });
        let outcome = match answer {
            None => return,
            Some(Answer::Up(relayed)) => Outcome::Up(relayed),
            Some(Answer::Refused { code, reason }) => {
                Outcome::Failed(RelayError::Refused(self.refusal(code, &reason)))
            }
            Some(Answer::Open) => Outcome::Failed(RelayError::Refused(
                "it relays for anybody, which is not supported (give it users)".to_owned(),
            )),
        };
        self.relays.report(self.index, outcome);
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

    async fn open_datagrams(
        &self,
        server: &TurnServer,
        local: SocketAddr,
        socket: &Arc<dyn AsyncUdpSocket>,
    ) {
        let addresses = match server.resolve().await {
            Ok(addresses) => addresses,
            Err(why) => return self.close(Outcome::Failed(RelayError::Unresolved(why))),
        };
        let reachable = |address: &SocketAddr| can_reach(local.ip(), address.ip());
        let Some(address) = addresses.into_iter().find(reachable) else {
            return self.close(Outcome::Unused);
        };
        for message in self.opened(Way::Datagrams(address)) {
            let _ = socket.send_to(&message, address).await;
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
                let route = Self {
                    relays,
                    index,
                    inner,
                };
                let was_up = route.with(|inner| inner.up.is_some());
                route.close(if was_up {
                    Outcome::Lost(why)
                } else {
                    Outcome::Failed(RelayError::Unreachable(why))
                });
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
        self.with(|inner| inner.way = Way::Closed);
        self.relays.report(self.index, outcome);
    }

    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
