//! A real server in this process.

use std::net::SocketAddr;
use std::time::Duration;

use signaling::{Limits, Server, ServerOptions};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Far more than anything takes on an idle machine: it ends a test that would hang.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// Ends with its owner.
pub(super) struct House {
    pub(super) addr: SocketAddr,
    shutdown: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl House {
    pub(super) async fn open(options: ServerOptions) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::listening(any, options).await
    }

    /// On the very port of one that was.
    pub(super) async fn at(addr: SocketAddr) -> Self {
        Self::listening(addr, ServerOptions::default()).await
    }

    async fn listening(addr: SocketAddr, options: ServerOptions) -> Self {
        let listener = TcpListener::bind(addr).await.expect("loopback has a port");
        Self::serving(server(options), listener)
    }

    fn serving(server: Server, listener: TcpListener) -> Self {
        let addr = listener.local_addr().expect("a bound address");
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(server.serve(listener, shutdown.clone()));
        Self {
            addr,
            shutdown,
            serving,
        }
    }

    /// With another listener for who asks how it is: also where.
    pub(super) async fn with_metrics() -> (Self, SocketAddr) {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listen = || TcpListener::bind(any);
        let clients = listen().await.expect("loopback has a port");
        let metrics = listen().await.expect("loopback has a port");
        let addr = metrics.local_addr().expect("a bound address");
        let server = server(ServerOptions::default()).with_metrics(metrics);
        (Self::serving(server, clients), addr)
    }

    /// Ends gently once the token is cancelled.
    pub(super) async fn draining(options: ServerOptions) -> (Self, CancellationToken) {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(any).await.expect("loopback has a port");
        let gently = CancellationToken::new();
        let server = server(options).drained_by(gently.clone());
        (Self::serving(server, listener), gently)
    }

    /// With the documented defaults.
    pub(super) async fn usual() -> Self {
        Self::open(ServerOptions::default()).await
    }

    pub(super) async fn limited(limits: Limits) -> Self {
        Self::open(ServerOptions {
            limits,
            ..ServerOptions::default()
        })
        .await
    }

    /// Only says so.
    pub(super) fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Until `serve` has returned.
    pub(super) async fn stopped(mut self) {
        let ended = timeout(LIMIT, &mut self.serving)
            .await
            .expect("the server stops");
        ended
            .expect("the server does not panic")
            .expect("the server ends well");
    }
}

fn server(options: ServerOptions) -> Server {
    Server::new(options).expect("options that can be had")
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
