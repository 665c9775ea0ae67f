//! A socket that several tasks send through.
//!
//! The runtime's own remembers one task that waits until it is writable, the last that asked. Beside the connection's driver our
//! STUN requests, relays and repetitions send from the same socket, and a new socket is not writable before its first turn
//! of the reactor: a driver that was forgotten there never sent anything again. Here everybody who waits is woken.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// Wakes all of those who wait.
#[derive(Debug, Default)]
struct Waiting(Mutex<Vec<Waker>>);

impl Waiting {
    fn add(&self, waker: &Waker) {
        let mut wakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let wakers = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// See above.
#[derive(Debug)]
pub(super) struct SharedSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    waiting: Arc<Waiting>,
    /// The same, as the socket below takes it.
    waker: Waker,
}

impl SharedSocket {
    pub(super) fn new(inner: Arc<dyn AsyncUdpSocket>) -> Self {
        let waiting = Arc::new(Waiting::default());
        let waker = Waker::from(Arc::clone(&waiting));
        Self {
            inner,
            waiting,
            waker,
        }
    }
}

impl AsyncUdpSocket for SharedSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let mut all = Context::from_waker(&self.waker);
        let polled = self.inner.poll_send(&mut all, transmit);
        if polled.is_ready() {
            return polled;
        }
        self.waiting.add(cx.waker());
        // It may have become writable before the task was on the list.
        self.inner.poll_send(&mut all, transmit)
    }

    /// Only the driver receives.
    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.inner.poll_recv(cx, bufs, meta)
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
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;

    /// Remembers one waker, as Tokio's does.
    #[derive(Debug, Default)]
    struct Narrow {
        writable: AtomicBool,
        waker: Mutex<Option<Waker>>,
        sent: AtomicUsize,
    }

    impl Narrow {
        fn open(&self) {
            self.writable.store(true, Ordering::SeqCst);
            let waker = self.waker.lock().unwrap().take();
            waker.unwrap().wake();
        }
    }

    impl AsyncUdpSocket for Narrow {
        fn local_addr(&self) -> io::Result<SocketAddr> {
            Ok(([127, 0, 0, 1], 9).into())
        }

        fn poll_send(
            &self,
            cx: &mut Context<'_>,
            transmit: &Transmit<'_>,
        ) -> Poll<io::Result<usize>> {
            if !self.writable.load(Ordering::SeqCst) {
                *self.waker.lock().unwrap() = Some(cx.waker().clone());
                return Poll::Pending;
            }
            self.sent.fetch_add(1, Ordering::SeqCst);
            Poll::Ready(Ok(transmit.contents.len()))
        }

        fn poll_recv(
            &self,
            _: &mut Context<'_>,
            _: &mut [IoSliceMut<'_>],
            _: &mut [RecvMeta],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn everybody_who_waits_is_woken() {
        const TASKS: usize = 5;
        let narrow = Arc::new(Narrow::default());
        let socket = Arc::new(SharedSocket::new(narrow.clone()));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..TASKS {
            let socket = socket.clone();
            tasks.spawn(async move { socket.send_to(b"1", ([127, 0, 0, 1], 9).into()).await });
        }
        while socket.waiting.0.lock().unwrap().len() < TASKS {
            tokio::task::yield_now().await;
        }
        assert_eq!(narrow.sent.load(Ordering::SeqCst), 0);
        narrow.open();
        let all = async { while tasks.join_next().await.is_some() {} };
        let limit = std::time::Duration::from_secs(20);
        tokio::time::timeout(limit, all)
            .await
            .expect("all are sent");
        assert_eq!(narrow.sent.load(Ordering::SeqCst), TASKS);
    }
}
