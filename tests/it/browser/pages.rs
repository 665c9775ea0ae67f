//! A web server with one page, at a port of its own: to the signaling server the page comes from elsewhere.

use axum::Router;
use axum::response::Html;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// Ends with its owner.
pub(crate) struct Pages {
    pub(crate) url: String,
    runtime: Option<Runtime>,
}

impl Pages {
    /// The same page at every path.
    pub(crate) fn serve(html: &'static str) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().fallback(move || async move { Html(html) });
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            runtime: Some(runtime),
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
