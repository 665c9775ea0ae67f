//! The loopback address of a machine that has others, too: whoever is not on loopback is not checked from it, nor answered. Such a
//! pair works half: Linux delivers what goes out, and Firefox sends nothing to 127.0.0.1. The other addresses reach the same machine.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::tally;

/// Whether a connection has sockets on other addresses.
#[derive(Clone, Debug, Default)]
pub(super) struct Others(Arc<AtomicBool>);

impl Others {
    /// Takes note of a new socket, and narrows it if it is on loopback.
    pub(super) fn join(
        &self,
        local: SocketAddr,
        socket: Arc<dyn AsyncUdpSocket>,
    ) -> Arc<dyn AsyncUdpSocket> {
        if !local.ip().is_loopback() {
            self.0.store(true, Ordering::Release);
            return socket;
        }
        Arc::new(Inside {
            inner: socket,
            others: self.clone(),
        })
    }
}

#[derive(Debug)]
struct Inside {
    inner: Arc<dyn AsyncUdpSocket>,
    others: Others,
}

impl Inside {
    /// Whether this is a check to or from somebody whom another of our addresses reaches better.
    fn is_stray(&self, other: SocketAddr, datagram: &[u8]) -> bool {
        !other.ip().to_canonical().is_loopback()
            && tally::is_check(datagram)
            && self.others.0.load(Ordering::Acquire)
    }
}

impl AsyncUdpSocket for Inside {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if self.is_stray(transmit.destination, transmit.contents) {
            return Poll::Ready(Ok(transmit.contents.len()));
        }
        self.inner.poll_send(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let polled = self.inner.poll_recv(cx, bufs, meta);
        if let Poll::Ready(Ok(count)) = &polled {
            for (buf, meta) in bufs.iter().zip(meta).take(*count) {
                if self.is_stray(meta.addr, &buf[..meta.len]) {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use webrtc::runtime::{Runtime, TokioRuntime};

    use super::*;

    fn bound() -> (SocketAddr, Arc<dyn AsyncUdpSocket>) {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let local = socket.local_addr().unwrap();
        (local, TokioRuntime.wrap_udp_socket(socket).unwrap())
    }

    /// A Binding request with an attribute.
    const CHECK: [u8; 24] = [
        0, 1, 0, 4, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x29, 0, 0,
    ];

    #[tokio::test]
    async fn only_checks_of_strangers_are_stray_and_only_beside_other_addresses() {
        let others = Others::default();
        let inside = Inside {
            inner: bound().1,
            others: others.clone(),
        };
        let [here, mapped, there] = ["127.0.0.1:9", "[::ffff:127.0.0.1]:9", "192.0.2.2:9"]
            .map(|addr| addr.parse().unwrap());
        assert!(!inside.is_stray(there, &CHECK), "there is no other way");
        // One more on loopback is no other way either.
        let (local, socket) = bound();
        let _ = others.join(local, socket);
        assert!(!inside.is_stray(there, &CHECK));
        let _ = others.join(there, bound().1);
        assert!(inside.is_stray(there, &CHECK));
        assert!(!inside.is_stray(here, &CHECK) && !inside.is_stray(mapped, &CHECK));
        assert!(!inside.is_stray(there, &[0x80; 200]), "no check");
    }
}
