//! The only room that names the HTTP framework: routes, the page, the WebSocket's life, and the TCP stream below them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

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
}

/// Serves until `shutdown`, and then says so to everybody.
pub(crate) async fn serve(
    options: ServerOptions,
    switchboard: Switchboard,
    metrics: Metrics,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let conversations = TaskTracker::new();
    let http_timeout = options.http_timeout;
    let front = if options.page {
        page_routes()
    } else {
        Router::new().route(page::ENTRY, get(words))
    };
    let house = Arc::new(House {
        gate: Gate::new(&options.limits),
        options,
        switchboard,
        metrics,
        conversations: conversations.clone(),
        shutdown: shutdown.clone(),
    });
    let routes = front
        .merge(health::routes())
        .route("/socket", any(upgrade::socket))
        .fallback(nothing)
        .with_state(house)
        .into_make_service_with_connect_info::<Caller>();
    let door = Door::new(listener, http_timeout, conversations.clone());
    let ended = shutdown.clone().cancelled_owned();
    let everything = async {
        let result = axum::serve(door, routes)
            .with_graceful_shutdown(ended)
            .await;
        conversations.close();
        conversations.wait().await;
        result
    };
    let too_late = async {
        shutdown.cancelled().await;
        sleep(SHUTDOWN).await;
    };
    tokio::select! {
        result = everything => result,
        () = too_late => Ok(()),
    }
}

/// The page for browsers; who asks for anything but HTML at its entry reads plain words.
fn page_routes() -> Router<Arc<House>> {
    page::files().fold(Router::new(), |routes, file| {
        let path = file.path;
        let answer = async move |asked: HeaderMap| served(&file, &asked);
        routes.route(path, get(answer))
    })
}

fn served(file: &page::File, asked: &HeaderMap) -> Response {
    if file.path != page::ENTRY || page::takes_html(asked) {
        return file.answer(asked);
    }
    let hint = format!("With a browser: open http://{}/\n", host(asked));
    let vary = [(header::VARY, "Accept")];
    (vary, usage(asked) + &hint).into_response()
}

/// What this is and how to use it, for whoever opens it with curl, or where there is no page.
async fn words(asked: HeaderMap) -> String {
    usage(&asked)
}

fn usage(asked: &HeaderMap) -> String {
    let host = host(asked);
    format!(
        "This is a WebRTC signaling server: it introduces peers to each other, over a WebSocket at /socket\n\
         Try: peer-cli answer --server ws://{host}/socket, and peer-cli call with the same --server elsewhere\n"
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
