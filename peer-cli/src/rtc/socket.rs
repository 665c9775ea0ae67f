//! The UDP sockets below the webrtc crate: sized buffers, impairment, relays, STUN answers overheard.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use socket2::SockRef;
use tokio::sync::mpsc;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime, TokioRuntime, Transmit};

use super::eager::Eager;
use super::early::{self, Arrived, Early};
use super::impaired::{Datagram, Impaired};
use super::inside::Others;
use super::pace::Pace;
use super::relay::{RelayedSocket, Relays};
use super::repeat;
use super::sharing::SharedSocket;
use super::stun::Listener;
use super::tally::{self, Tally};
use crate::proto::impair::Impairment;

/// What we ask the kernel for, each way: a burst of data-channel packets overflows the default of
/// about 200 KiB, and SCTP then waits a second.
const BUFFER_BYTES: usize = 4 << 20;

/// Below this grant a person is told once (stock Linux grants 208 KiB, doubled for bookkeeping).
pub(super) const SMALL_BUFFER_BYTES: usize = 1 << 20;

/// mDNS is spoken on this port; its socket is neither resized nor impaired.
const MDNS_PORT: u16 = 5353;

/// Makes the sockets of one connection.
#[derive(Clone)]
pub(super) struct SocketFactory {
    impairment: Option<(Impairment, u64)>,
    relays: Relays,
    below: Below,
    created: mpsc::UnboundedSender<Created>,
    count: Arc<AtomicU64>,
    others: Others,
}

/// What the sockets of one connection know and do together.
#[derive(Clone)]
pub(super) struct Below {
    pub(super) pace: Pace,
    pub(super) tally: Tally,
    pub(super) eager: Eager,
    pub(super) early: Early,
}

/// A socket that the crate has bound.
pub(super) struct Created {
    /// Its local address.
    pub(super) local: SocketAddr,
    /// Receive buffer that the kernel granted, bytes.
    pub(super) granted: usize,
    /// For sending STUN requests of our own from the same port.
    pub(super) socket: Arc<dyn AsyncUdpSocket>,
    /// Where answers to those requests are overheard.
    pub(super) listener: Listener,
}

impl SocketFactory {
    /// A factory and the stream of what it made (one entry a socket: the list is as long as the
    /// machine has addresses).
    pub(super) fn new(
        impairment: Option<(Impairment, u64)>,
        relays: Relays,
        below: Below,
    ) -> (Self, mpsc::UnboundedReceiver<Created>) {
        let (created, sockets) = mpsc::unbounded_channel();
        let factory = Self {
            impairment,
            relays,
            below,
            created,
            count: Arc::new(AtomicU64::new(0)),
            others: Others::default(),
        };
        (factory, sockets)
    }

    /// Sizes, wraps and announces one bound socket.
    pub(super) fn wrap(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let local = socket.local_addr()?;
        if local.port() == MDNS_PORT {
            return TokioRuntime.wrap_udp_socket(socket);
        }
        let granted = size_buffers(&socket);
        let inner = SharedSocket::new(TokioRuntime.wrap_udp_socket(socket)?);
        let inner = self.others.join(local, Arc::new(inner));
        let inner = self.with_relays(inner, local);
        let impaired = self.impairment.as_ref().map(|(spec, seed)| {
            // Each socket gets its own stream of fates, in the order they were bound.
            let index = self.count.fetch_add(1, Ordering::Relaxed);
            Impaired::start(*spec, seed.wrapping_add(index), Arc::clone(&inner))
        });
        let listener = Listener::default();
        let (again_tx, again) = mpsc::channel(2 * early::MAX_WAITING);
        let socket: Arc<dyn AsyncUdpSocket> = Arc::new(PeerSocket {
            inner,
            impaired,
            local,
            below: self.below.clone(),
            again_tx,
            again: Mutex::new(again),
            listener: listener.clone(),
        });
        // The receiver is gone once the connection is closing: nobody needs to know then.
        let _ = self.created.send(Created {
            local,
            granted,
            socket: Arc::clone(&socket),
            listener,
        });
        Ok(socket)
    }
}

impl SocketFactory {
    /// Nothing stands between the crate and a socket where there is no relay.
    fn with_relays(
        &self,
        inner: Arc<dyn AsyncUdpSocket>,
        local: SocketAddr,
    ) -> Arc<dyn AsyncUdpSocket> {
        if self.relays.count() == 0 {
            return inner;
        }
        Arc::new(RelayedSocket::new(inner, local, self.relays.clone()))
    }
}

impl fmt::Debug for SocketFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketFactory").finish_non_exhaustive()
    }
}

/// Asks for large buffers and returns what the kernel granted for receiving; less is lived with.
fn size_buffers(socket: &std::net::UdpSocket) -> usize {
    let socket = SockRef::from(socket);
    let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(BUFFER_BYTES);
    socket.recv_buffer_size().unwrap_or(0)
}

struct PeerSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    impaired: Option<Impaired>,
    local: SocketAddr,
    below: Below,
    again_tx: mpsc::Sender<Arrived>,
    /// What came too early. Polled by one task at a time; never held across an await.
    again: Mutex<mpsc::Receiver<Arrived>>,
    listener: Listener,
}

impl fmt::Debug for PeerSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerSocket")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl PeerSocket {
    /// What leaves while a connection is looked for.
    fn note(&self, transmit: &Transmit<'_>) {
        let (datagram, destination) = (transmit.contents, transmit.destination);
        if tally::is_check(datagram) {
            self.below.tally.sent(self.local, destination);
        } else if transmit.segment_size.is_none() && repeat::is_handshake(datagram) {
            let impaired = self.impaired.as_ref();
            repeat::later(
                &self.inner,
                impaired,
                &self.below.pace,
                datagram,
                destination,
            );
        }
    }

    /// What comes while a connection is looked for; whether the crate is not to see it now. Checks come alone.
    fn holds_back(&self, buf: &[u8], meta: &RecvMeta) -> bool {
        let arrived = &buf[..meta.len];
        let Below {
            pace,
            tally,
            eager,
            early,
        } = &self.below;
        for datagram in arrived.chunks(meta.stride.max(1)) {
            tally.heard(self.local, meta.addr, datagram);
            if repeat::is_handshake(datagram) {
                repeat::again(&self.again_tx, pace, datagram, meta.addr);
            }
        }
        early.keeps(&self.again_tx, meta.addr, arrived)
            || eager.has_to_wait(meta.addr, arrived, Instant::now())
    }

    /// What came too early, and is not any more.
    fn poll_again(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<()> {
        let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        let (Poll::Ready(Some((check, from))), [buf, ..], [meta, ..]) =
            (again.poll_recv(cx), bufs, meta)
        else {
            return Poll::Pending;
        };
        let length = check.len().min(buf.len());
        buf[..length].copy_from_slice(&check[..length]);
        *meta = RecvMeta::default();
        (meta.addr, meta.len, meta.stride) = (from, length, length.max(1));
        if self.below.eager.has_to_wait(from, &check, Instant::now()) {
            meta.len = 0;
        }
        Poll::Ready(())
    }
}

impl AsyncUdpSocket for PeerSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let Below { pace, eager, .. } = &self.below;
        let datagram = transmit.contents;
        if eager.is_too_early(datagram, Instant::now()) || !pace.lets_pass(datagram) {
            return Poll::Ready(Ok(transmit.contents.len()));
        }
        if pace.is_looking() {
            self.note(transmit);
        }
        let Some(impaired) = &self.impaired else {
            return self.inner.poll_send(cx, transmit);
        };
        let segment = transmit.segment_size.unwrap_or(transmit.contents.len());
        for bytes in transmit.contents.chunks(segment.max(1)) {
            impaired.send(Datagram {
                bytes: bytes.to_vec(),
                destination: transmit.destination,
            });
        }
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (waiting, looking) = (self.listener.is_waiting(), self.below.pace.is_looking());
        if looking && self.poll_again(cx, bufs, meta).is_ready() {
            return Poll::Ready(Ok(1));
        }
        let polled = self.inner.poll_recv(cx, bufs, meta);
        if let Poll::Ready(Ok(count)) = &polled {
            for (buf, meta) in bufs.iter().zip(meta).take(*count) {
                let datagrams = buf[..meta.len].chunks(meta.stride.max(1));
                datagrams
                    .clone()
                    .for_each(|datagram| self.below.eager.hears(datagram));
                if !(waiting || looking) {
                    continue;
                }
                datagrams
                    .filter(|_| waiting)
                    .for_each(|datagram| self.listener.overhear(datagram));
                if looking && self.holds_back(buf, meta) {
                    // The driver passes over an empty datagram.
                    meta.len = 0;
                }
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
