//! A real signaling server, in a runtime of its own so that it can be killed.

use std::net::SocketAddr;

use signaling::{Limits, Relay, RelayOptions, RelayUsage, Server, ServerOptions};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// Ends with its owner.
#[derive(Debug)]
pub struct TestServer {
    addr: SocketAddr,
    relay: Option<(SocketAddr, RelayUsage)>,
    runtime: Option<Runtime>,
}

impl TestServer {
    /// On any free loopback port, without limits on how fast anybody may speak.
    #[must_use]
    pub fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// On the very port of one that was.
    ///
    /// # Panics
    /// When the port is taken.
    #[must_use]
    pub fn start_at(addr: SocketAddr) -> Self {
        Self::open_at(addr, Self::options(), None)
    }

    /// With a STUN and TURN server on any free loopback port, which relays to loopback, too: `welcome` has its URLs.
    #[must_use]
    pub fn with_relay() -> Self {
        let relay = RelayOptions {
            allow_private: true,
            ..RelayOptions::at(SocketAddr::from(([127, 0, 0, 1], 0)))
        };
        Self::open(Self::options(), Some(relay))
    }

    /// No limits on how fast anybody may speak.
    #[must_use]
    pub fn options() -> ServerOptions {
        ServerOptions {
            limits: Limits {
                max_rate: 0,
                max_bytes: 0,
                ..Limits::default()
            },
            ..ServerOptions::default()
        }
    }

    /// As it is told, on any free loopback port.
    #[must_use]
    pub fn open(options: ServerOptions, relay: Option<RelayOptions>) -> Self {
        Self::open_at(SocketAddr::from(([127, 0, 0, 1], 0)), options, relay)
    }

    /// As it is told, on the very ports that it is told.
    ///
    /// # Panics
    /// When a port is taken.
    #[must_use]
    pub fn open_at(addr: SocketAddr, options: ServerOptions, relay: Option<RelayOptions>) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (tell, addr_of) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let listener = TcpListener::bind(addr).await.expect("a free port");
            let addr = listener.local_addr().expect("a bound address");
            let relay =
                relay.map(|options| Relay::bind(options).expect("a free port for the relay"));
            let place = relay.as_ref().map(|relay| (relay.addr(), relay.usage()));
            tell.send((addr, place)).expect("the test waits");
            let mut server = Server::new(options).expect("options that can be had");
            if let Some(relay) = relay {
                server = server.with_relay(relay);
            }
            let serving = server.serve(listener, CancellationToken::new());
            serving.await.expect("the server ends well");
        });
        let (addr, relay) = addr_of
            .recv_timeout(crate::LIMIT)
            .expect("the server listens");
        Self {
            addr,
            relay,
            runtime: Some(runtime),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where its STUN and TURN server is.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn relay(&self) -> SocketAddr {
        self.relay.as_ref().expect("a server with a relay").0
    }

    /// What its relay holds.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn relay_usage(&self) -> &RelayUsage {
        &self.relay.as_ref().expect("a server with a relay").1
    }

    /// What peers are given as `--server`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}/socket", self.addr)
    }

    /// Gone without a word, as after `kill -9`: every socket just ends, and the port is free.
    ///
    /// # Panics
    /// When the thread that waits for it does.
    pub fn kill(mut self) {
        let runtime = self.runtime.take();
        // A runtime may not be waited for inside of another one.
        let waiting = std::thread::spawn(move || {
            if let Some(runtime) = runtime {
                runtime.shutdown_timeout(crate::LIMIT);
            }
        });
        waiting.join().expect("the server's runtime ends");
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
