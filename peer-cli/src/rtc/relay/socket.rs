//! A UDP socket of the crate, with the ways to the relays beside it.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::route::{Route, Seen};
use super::watch::is_turn;
use super::way::Next;
use super::{Arrived, Relays, nowhere};

/// Messages that came by a stream and wait to be read.
const QUEUE: usize = 256;

/// Sends what is for a relay there, and passes what comes from one off as coming from nowhere.
pub(in crate::rtc) struct RelayedSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    local: SocketAddr,
    relays: Relays,
    /// One for each server, opened by the first message for it.
    routes: Vec<OnceLock<Route>>,
    arrived_tx: mpsc::Sender<Arrived>,
    // Polled by one task at a time; never held across an await.
    arrived: Mutex<mpsc::Receiver<Arrived>>,
}

impl RelayedSocket {
    /// Wraps a socket that is bound to `local`.
    pub(in crate::rtc) fn new(
        inner: Arc<dyn AsyncUdpSocket>,
        local: SocketAddr,
        relays: Relays,
    ) -> Self {
        let (arrived_tx, arrived) = mpsc::channel(QUEUE);
        let routes = (0..relays.count()).map(|_| OnceLock::new()).collect();
        Self {
            inner,
            local,
            relays,
            routes,
            arrived_tx,
            arrived: Mutex::new(arrived),
        }
    }

    fn route(&self, index: usize) -> Option<&Route> {
        let slot = self.routes.get(index)?;
        let open = || {
            Route::open(
                &self.relays,
                index,
                self.local,
                &self.inner,
                &self.arrived_tx,
            )
        };
        Some(slot.get_or_init(open))
    }

    /// Rewrites the sender of what a relay has sent over UDP.
    fn pass_off(&self, buf: &mut [u8], meta: &mut RecvMeta) {
        let opened = self.routes.iter().map(OnceLock::get).enumerate();
        for (index, route) in opened {
            let Some(route) = route.filter(|route| route.is_from(meta.addr)) else {
                continue;
            };
            let stride = meta.stride.max(1);
            let datagrams = &buf[..meta.len];
            if datagrams.chunks(stride).next().is_some_and(is_turn) {
                let mut last = Seen::AsItIs;
                for one in datagrams.chunks(stride) {
                    last = route.heard(one);
                }
                meta.addr = nowhere(index, self.local.is_ipv4());
                // Answers to requests come alone; the kernel joins only what flows.
                if meta.len <= stride {
                    show(&last, buf, meta);
                }
                return;
            }
        }
    }

    /// What came by a stream.
    fn poll_arrived(&self, cx: &mut Context<'_>, buf: &mut [u8], meta: &mut RecvMeta) -> Poll<()> {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let Poll::Ready(Some((message, from))) = arrived.poll_recv(cx) else {
            return Poll::Pending;
        };
        drop(arrived);
        let route = self.relays.index_of(from).and_then(|i| self.routes.get(i));
        let route = route.and_then(OnceLock::get);
        let seen = route.map_or(Seen::AsItIs, |route| route.heard(&message));
        let length = message.len().min(buf.len());
        buf[..length].copy_from_slice(&message[..length]);
        *meta = RecvMeta::default();
        meta.addr = from;
        meta.len = length;
        meta.stride = length.max(1);
        show(&seen, buf, meta);
        Poll::Ready(())
    }
}

/// Puts what the crate is to see in place of what came.
fn show(seen: &Seen, buf: &mut [u8], meta: &mut RecvMeta) {
    match seen {
        Seen::AsItIs => {}
        Seen::Instead(message) => {
            let length = message.len().min(buf.len());
            buf[..length].copy_from_slice(&message[..length]);
            (meta.len, meta.stride) = (length, length.max(1));
        }
        // The driver passes over an empty datagram.
        Seen::Nothing => meta.len = 0,
    }
}

impl fmt::Debug for RelayedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayedSocket")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for RelayedSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let index = self.relays.index_of(transmit.destination);
        let Some(route) = index.and_then(|index| self.route(index)) else {
            return self.inner.poll_send(cx, transmit);
        };
        match route.send(transmit.contents) {
            Next::Taken => Poll::Ready(Ok(transmit.contents.len())),
            Next::Send(destination) => self.inner.poll_send(
                cx,
                &Transmit {
                    destination,
                    ecn: transmit.ecn,
                    contents: transmit.contents,
                    segment_size: transmit.segment_size,
                    src_ip: transmit.src_ip,
                },
            ),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        if let ([buf, ..], [first, ..]) = (&mut *bufs, &mut *meta)
            && self.poll_arrived(cx, buf, first).is_ready()
        {
            return Poll::Ready(Ok(1));
        }
        let polled = self.inner.poll_recv(cx, bufs, meta);
        if let Poll::Ready(Ok(count)) = &polled {
            for (buf, meta) in bufs.iter_mut().zip(meta.iter_mut()).take(*count) {
                self.pass_off(buf, meta);
            }
        }
        polled
    }

    fn max_gso_segments(&self) -> usize {
        self.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}
