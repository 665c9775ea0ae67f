//! The only room that names the HTTP framework: routes, the page, the WebSocket's life, and the TCP stream below them.

use std::io;
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::ServerOptions;
use crate::switchboard::Switchboard;

mod admission;
mod conversation;
mod health;
mod page;
mod upgrade;
mod visitor;
mod wire;

use crate::auth::Webhook;
use crate::forwarded::Visitor;
use crate::gate::Gate;
use crate::metrics::Metrics;
use crate::tls::Tls;
use wire::{Caller, Door, Threshold};

/// How long a shutdown may take at most; clients are told, not waited for.
const SHUTDOWN: Duration = Duration::from_millis(500);

/// What every connection needs to know.
struct House {
    options: ServerOptions,
    switchboard: Switchboard,
    gate: Gate,
    /// Who decides about coming in, if somebody else does.
    webhook: Option<Webhook>,
    metrics: Metrics,
    conversations: TaskTracker,
    shutdown: CancellationToken,
    /// Nobody comes in any more, and whoever is in is told by and by.
    gently: CancellationToken,
    /// Whether this is `https:` and `wss:`.
    secure: bool,
    /// Whether somebody has been told of a proxy that nobody trusts.
    untrusted_proxy: Once,
}

impl House {
    /// Whether it takes nobody any more.
    fn is_ending(&self) -> bool {
        self.gently.is_cancelled() || self.shutdown.is_cancelled()
    }

    /// Answers on one listener until `shutdown`.
    async fn answer(
        self: &Arc<Self>,
        listener: TcpListener,
        tls: Option<Tls>,
        routes: Router<Arc<Self>>,
    ) -> io::Result<()> {
        let routes = routes
            .fallback(nothing)
            .method_not_allowed_fallback(not_that_method)
            .layer(from_fn_with_state(Arc::clone(self), visitor::identify))
            .with_state(Arc::clone(self))
            .into_make_service_with_connect_info::<Caller>();
        let threshold = Threshold::new(&self.options, self.metrics.clone());
        let door = Door::new((listener, tls), threshold, self.conversations.clone());
        let ended = self.shutdown.clone().cancelled_owned();
        axum::serve(door, routes)
            .with_graceful_shutdown(ended)
            .await
    }
}

/// Where it listens.
pub(crate) struct Listeners {
    pub(crate) clients: TcpListener,
    /// For clients.
    pub(crate) tls: Option<Tls>,
    /// For those who ask how it is; without one they ask at the other.
    pub(crate) metrics: Option<TcpListener>,
}

/// What ends a server.
pub(crate) struct Ending {
    /// Everybody is told by and by, over the drain of the options.
    pub(crate) gently: CancellationToken,
    /// Everybody is told at once.
    pub(crate) at_once: CancellationToken,
}

/// Serves until its end, and then says so to everybody.
pub(crate) async fn serve(
    (options, webhook): (ServerOptions, Option<Webhook>),
    switchboard: Switchboard,
    metrics: Metrics,
    listeners: Listeners,
    ending: Ending,
) -> io::Result<()> {
    let Listeners {
        clients,
        tls,
        metrics: asked,
    } = listeners;
    let shutdown = ending.at_once;
    let house = Arc::new(House {
        webhook,
        gate: Gate::new(&options.limits),
        options,
        switchboard,
        metrics,
        conversations: TaskTracker::new(),
        shutdown: shutdown.clone(),
        gently: ending.gently,
        secure: tls.is_some(),
        untrusted_proxy: Once::new(),
    });
    let everything = async {
        let clients = house.answer(clients, tls, routes(&house, asked.is_some()));
        let result = match asked {
            None => clients.await,
            Some(listener) => {
                let asking = house.answer(listener, None, health::routes_with_metrics());
                tokio::try_join!(clients, asking).map(drop)
            }
        };
        house.conversations.close();
        house.conversations.wait().await;
        result
    };
    let too_late = async {
        drained(&house).await;
        shutdown.cancel();
        sleep(SHUTDOWN).await;
    };
    tokio::select! {
        result = everything => result,
        () = too_late => Ok(()),
    }
}

/// Until it is to end, and whoever shall be told by and by has been.
async fn drained(house: &House) {
    let over = house.options.drain;
    let gently = async {
        house.gently.cancelled().await;
        if over.is_zero() {
            return;
        }
        info!("draining for {over:?}: nobody comes in any more");
        house.switchboard.drain(over).await;
        house.conversations.close();
        match timeout(over, house.conversations.wait()).await {
            Ok(()) => info!("drained"),
            Err(_) => info!("drained, as far as there was time"),
        }
    };
    tokio::select! {
        () = gently => {}
        () = house.shutdown.cancelled() => {}
    }
}

/// For clients, and for who asks how it is unless that has a listener of its own.
fn routes(house: &House, metrics_elsewhere: bool) -> Router<Arc<House>> {
    let front = if house.options.page {
        page_routes()
    } else {
        Router::new().route(page::ENTRY, get(words))
    };
    let health = if metrics_elsewhere {
        health::routes()
    } else {
        health::routes_with_local_metrics()
    };
    front.merge(health).route("/socket", any(upgrade::socket))
}

/// The page for browsers; who asks for anything but HTML at its entry reads plain words.
fn page_routes() -> Router<Arc<House>> {
    page::files().fold(Router::new(), |routes, file| {
        let path = file.path;
        let answer = async move |Extension(visitor): Extension<Visitor>, asked: HeaderMap| {
            served(&file, &asked, visitor.secure)
        };
        routes.route(path, get(answer))
    })
}

fn served(file: &page::File, asked: &HeaderMap, secure: bool) -> Response {
    if file.path != page::ENTRY || page::takes_html(asked) {
        return file.answer(asked);
    }
    let scheme = if secure { "https" } else { "http" };
    let hint = format!("With a browser: open {scheme}://{}/\n", host(asked));
    let vary = [(header::VARY, "Accept")];
    (vary, usage(asked, secure) + &hint).into_response()
}

/// What this is and how to use it, for whoever opens it with curl, or where there is no page.
async fn words(Extension(visitor): Extension<Visitor>, asked: HeaderMap) -> String {
    usage(&asked, visitor.secure)
}

fn usage(asked: &HeaderMap, secure: bool) -> String {
    let scheme = if secure { "wss" } else { "ws" };
    let host = host(asked);
    format!(
        "This is a WebRTC signaling server: it introduces peers to each other, over a WebSocket at /socket\n\
         Try: peer-cli answer --server {scheme}://{host}/socket, and peer-cli call with the same --server elsewhere\n"
    )
}

fn host(asked: &HeaderMap) -> &str {
    page::host(asked).unwrap_or("127.0.0.1:8080")
}

async fn not_that_method() -> Response {
    let text = "this is for GET only\n";
    (StatusCode::METHOD_NOT_ALLOWED, text).into_response()
}

async fn nothing(uri: Uri) -> Response {
    let hint = if uri.path().starts_with("/socket") {
        "did you mean /socket?room=NAME? "
    } else {
        ""
    };
    let text =
        format!("nothing here: {hint}the WebSocket is at /socket, the health check at /healthz\n");
    (StatusCode::NOT_FOUND, text).into_response()
}
