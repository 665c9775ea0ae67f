//! The runtime handed to the webrtc crate: Tokio's, with two repairs (see [`PacedRuntime`]).

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
    TokioRuntime,
};

use super::relay::Relays;
use super::socket::SocketFactory;

type BoxedFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How long the crate's driver may sleep while a connection is being set up.
///
/// The driver sends what it queued only when it wakes next, so an uncapped sleep adds up to a whole
/// timer to every handshake flight.
const CONNECTING_CAP: Duration = Duration::from_millis(1);

/// The same for a running call: acknowledgements wait this long at most.
const CONNECTED_CAP: Duration = Duration::from_millis(20);

/// With relays: passes of the driver's loop between waking up and sleeping again.
const EXTRA_PASSES: u8 = 2;

/// Tokio with capped sleeps, and with sockets that we size, impair and listen in on.
pub(super) struct PacedRuntime {
    cap_us: Arc<AtomicU64>,
    sockets: SocketFactory,
    relays: Relays,
    /// Passes of the driver's loop since it last slept.
    passes: AtomicU8,
    driver_started: AtomicBool,
    driver_ended: Arc<Notify>,
}

/// Changes the pace of a runtime while the connection that owns it lives.
#[derive(Clone, Debug)]
pub(super) struct Pace(Arc<AtomicU64>);

impl Pace {
    /// The connection is up: save power.
    pub(super) fn connected(&self) {
        self.set(CONNECTED_CAP);
    }

    /// A handshake is under way: be quick.
    pub(super) fn connecting(&self) {
        self.set(CONNECTING_CAP);
    }

    fn set(&self, cap: Duration) {
        let micros = u64::try_from(cap.as_micros()).unwrap_or(u64::MAX);
        self.0.store(micros, Ordering::Relaxed);
    }
}

impl PacedRuntime {
    /// A runtime at connecting pace, with the handle that slows it down later; `driver_ended` is
    /// told when the connection's driver loop has returned.
    pub(super) fn new(
        sockets: SocketFactory,
        relays: Relays,
        driver_ended: Arc<Notify>,
    ) -> (Self, Pace) {
        let pace = Pace(Arc::new(AtomicU64::new(0)));
        pace.connecting();
        let runtime = Self {
            cap_us: Arc::clone(&pace.0),
            sockets,
            relays,
            passes: AtomicU8::new(0),
            driver_started: AtomicBool::new(false),
            driver_ended,
        };
        (runtime, pace)
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
        if self.relays.count() > 0 && !self.has_passed_enough() {
            return Box::pin(std::future::ready(()));
        }
        let cap = Duration::from_micros(self.cap_us.load(Ordering::Relaxed));
        TokioRuntime.sleep(duration.min(cap))
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
