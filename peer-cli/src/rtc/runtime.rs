//! The runtime handed to the webrtc crate: Tokio's, with two repairs (see [`PacedRuntime`]).

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
    TokioRuntime,
};

use super::pace::Pace;
use super::relay::Relays;
use super::socket::SocketFactory;

type BoxedFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// With relays: passes of the driver's loop between waking up and sleeping again.
const EXTRA_PASSES: u8 = 2;

/// How long the crate's `close` waits for its driver, to the nanosecond.
const STOP_TIMEOUT: Duration = Duration::from_millis(100);

/// Tokio with capped sleeps, and with sockets that we size, impair and listen in on.
pub(super) struct PacedRuntime {
    pace: Pace,
    sockets: SocketFactory,
    relays: Relays,
    /// Passes of the driver's loop since it last slept.
    passes: AtomicU8,
    driver_started: AtomicBool,
    driver_ended: Arc<Notify>,
}

impl PacedRuntime {
    /// A runtime at this pace; `driver_ended` is told when the connection's driver loop has returned.
    pub(super) fn new(
        pace: Pace,
        sockets: SocketFactory,
        relays: Relays,
        driver_ended: Arc<Notify>,
    ) -> Self {
        Self {
            pace,
            sockets,
            relays,
            passes: AtomicU8::new(0),
            driver_started: AtomicBool::new(false),
            driver_ended,
        }
    }
}

impl PacedRuntime {
    /// What the core hands to the crate's TURN client leaves in the next pass of the driver's loop, and what that
    /// client unpacks is answered in the one after: two more passes before each sleep, and nothing waits.
    fn has_passed_enough(&self) -> bool {
        let passes = self.passes.fetch_add(1, Ordering::Relaxed);
        if passes < EXTRA_PASSES {
            return false;
        }
        self.passes.store(0, Ordering::Relaxed);
        true
    }
}

impl fmt::Debug for PacedRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacedRuntime").finish_non_exhaustive()
    }
}

impl Runtime for PacedRuntime {
    fn spawn(&self, future: BoxedFuture<'static, ()>) -> Box<dyn JoinHandle> {
        // The first thing that a connection spawns is its driver.
        if self.driver_started.swap(true, Ordering::Relaxed) {
            return TokioRuntime.spawn(future);
        }
        let ended = Arc::clone(&self.driver_ended);
        TokioRuntime.spawn(Box::pin(async move {
            future.await;
            ended.notify_one();
        }))
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        self.sockets.wrap(socket)
    }

    fn wrap_tcp_listener(
        &self,
        listener: std::net::TcpListener,
    ) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        remote_addr: SocketAddr,
    ) -> BoxedFuture<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        // `connect_tcp` of the inner runtime borrows it for the life of the future.
        static TOKIO: TokioRuntime = TokioRuntime;
        TOKIO.connect_tcp(remote_addr)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> BoxedFuture<'a, io::Result<Vec<SocketAddr>>> {
        static TOKIO: TokioRuntime = TokioRuntime;
        match self.relays.resolve(host) {
            Some(addresses) => Box::pin(std::future::ready(Ok(addresses))),
            None => TOKIO.resolve_host(host),
        }
    }

    fn sleep(&self, duration: Duration) -> BoxedFuture<'static, ()> {
        // Not the driver's: it is what `close` gives the driver to free its relayed addresses.
        if duration == STOP_TIMEOUT {
            return TokioRuntime.sleep(duration);
        }
        if self.relays.count() > 0 && !self.has_passed_enough() {
            return Box::pin(std::future::ready(()));
        }
        TokioRuntime.sleep(duration.min(self.pace.cap()))
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }

    fn name(&self) -> &'static str {
        "paced-tokio"
    }
}
