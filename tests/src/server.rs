//! A real signaling server, in a runtime of its own so that it can be killed.

use std::net::SocketAddr;

use signaling::{Limits, Server, ServerOptions};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// Ends with its owner.
#[derive(Debug)]
pub struct TestServer {
    addr: SocketAddr,
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
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (tell, addr_of) = std::sync::mpsc::channel();
        let options = ServerOptions {
            limits: Limits {
                max_rate: 0,
                ..Limits::default()
            },
            ..ServerOptions::default()
        };
        runtime.spawn(async move {
            let listener = TcpListener::bind(addr).await.expect("a free port");
            let addr = listener.local_addr().expect("a bound address");
            tell.send(addr).expect("the test waits");
            let serving = Server::new(options).serve(listener, CancellationToken::new());
            serving.await.expect("the server ends well");
        });
        let addr = addr_of
            .recv_timeout(crate::LIMIT)
            .expect("the server listens");
        Self {
            addr,
            runtime: Some(runtime),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
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
