//! The only room that names the HTTP framework: routes, the page, the WebSocket's life, and the TCP stream below them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
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
mod wire;

use crate::gate::Gate;
use crate::metrics::Metrics;
use crate::tls::Tls;
use wire::{Caller, Door};

/// How long a shutdown may take at most; clients are told, not waited for.
const SHUTDOWN: Duration = Duration::from_millis(500);

/// What every connection needs to know.
struct House {
    options: ServerOptions,
    switchboard: Switchboard,
    gate: Gate,
    metrics: Metrics,
    conversations: TaskTracker,
    shutdown: CancellationToken,
    /// Nobody comes in any more, and whoever is in is told by and by.
    gently: CancellationToken,
    /// Whether this is `https:` and `wss:`.
    secure: bool,
}

impl House {
    /// Whether it takes nobody any more.
    fn is_ending(&self) -> bool {
        self.gently.is_cancelled() || self.shutdown.is_cancelled()
    }
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
    options: ServerOptions,
    switchboard: Switchboard,
    metrics: Metrics,
    (listener, tls): (TcpListener, Option<Tls>),
    ending: Ending,
) -> io::Result<()> {
    let shutdown = ending.at_once;
    let house = Arc::new(House {
        gate: Gate::new(&options.limits),
        options,
        switchboard,
        metrics,
        conversations: TaskTracker::new(),
        shutdown: shutdown.clone(),
        gently: ending.gently,
        secure: tls.is_some(),
    });
    let door = Door::new(
        (listener, tls),
        house.options.http_timeout,
        house.conversations.clone(),
        house.metrics.clone(),
    );
    let ended = shutdown.clone().cancelled_owned();
    let everything = async {
        let result = axum::serve(door, routes(&house))
            .with_graceful_shutdown(ended)
            .await;
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

fn routes(house: &Arc<House>) -> IntoMakeServiceWithConnectInfo<Router, Caller> {
    let front = if house.options.page {
        page_routes(house.secure)
    } else {
        Router::new().route(page::ENTRY, get(words))
    };
    front
        .merge(health::routes())
        .route("/socket", any(upgrade::socket))
        .fallback(nothing)
        .with_state(Arc::clone(house))
        .into_make_service_with_connect_info::<Caller>()
}

/// The page for browsers; who asks for anything but HTML at its entry reads plain words.
fn page_routes(secure: bool) -> Router<Arc<House>> {
    page::files().fold(Router::new(), |routes, file| {
        let path = file.path;
        let answer = async move |asked: HeaderMap| served(&file, &asked, secure);
        routes.route(path, get(answer))
    })
}

fn served(file: &page::File, asked: &HeaderMap, secure: bool) -> Response {
    if file.path != page::ENTRY || page::takes_html(asked) {
        return file.answer(asked);
    }
    let hint = format!(
        "With a browser: open http{}://{}/\n",
        s(secure),
        host(asked)
    );
    let vary = [(header::VARY, "Accept")];
    (vary, usage(asked, secure) + &hint).into_response()
}

/// What this is and how to use it, for whoever opens it with curl, or where there is no page.
async fn words(State(house): State<Arc<House>>, asked: HeaderMap) -> String {
    usage(&asked, house.secure)
}

/// What follows `http` and `ws` in a URL.
const fn s(secure: bool) -> &'static str {
    if secure { "s" } else { "" }
}

fn usage(asked: &HeaderMap, secure: bool) -> String {
    let (host, s) = (host(asked), s(secure));
    format!(
        "This is a WebRTC signaling server: it introduces peers to each other, over a WebSocket at /socket\n\
         Try: peer-cli answer --server ws{s}://{host}/socket, and peer-cli call with the same --server elsewhere\n"
    )
}

fn host(asked: &HeaderMap) -> &str {
    page::host(asked).unwrap_or("127.0.0.1:8080")
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
