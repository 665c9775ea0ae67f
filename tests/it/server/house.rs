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
        let addr = listener.local_addr().expect("a bound address");
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(Server::new(options).serve(listener, shutdown.clone()));
        Self {
            addr,
            shutdown,
            serving,
        }
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

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
