//! `GET /socket`: from an HTTP request to a WebSocket.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Query, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::SUBPROTOCOL;
use tracing::debug;

use super::admission::{Admission, Asked, admit};
use super::wire::Caller;
use super::{House, conversation};
use crate::auth::Answer;
use crate::forwarded::Visitor;
use crate::gate::{Full, Ticket};
use crate::limits::frame;
use crate::relay::Reached;
use crate::switchboard::Link;
use crate::verdict::{Cause, Verdict};

/// Bytes that an idle WebSocket keeps ready for what it hears; they grow with a frame that needs more.
const READ_BUFFER: usize = 2048;

/// Bytes that are collected for one system call. No memory is kept for them before they have been needed.
const WRITE_BUFFER: usize = 16 * 1024;

/// Characters of a name in the DNS, RFC 1035 section 2.3.4.
const MAX_HOST: usize = 253;

/// Seconds after which a refused client may try again.
const RETRY_AFTER: &str = "5";

pub(super) async fn socket(
    State(house): State<Arc<House>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    Extension(visitor): Extension<Visitor>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(why) => {
            house.metrics.refused("no WebSocket");
            return no_websocket(&why);
        }
    };
    if house.is_ending() {
        house.metrics.refused("the server is stopping");
        return stopping();
    }
    let ticket = match enter(&house, &visitor) {
        Ok(ticket) => ticket,
        Err(full) => return no_space(&full),
    };
    let admission = match &asked {
        Ok(Query(asked)) => admit(asked, &headers, &house.options),
        Err(_) => {
            let reason = "the query is not room=NAME&token=TOKEN";
            Err(Verdict::new(Cause::BadQuery, reason))
        }
    };
    let max_frame = frame(house.options.limits.max_frame);
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_frame_size(max_frame)
        .max_message_size(max_frame);
    let peer_v1 = upgrade.selected_protocol().is_some();
    let reached = Reached {
        host: host_name(&headers),
        local: caller.local,
        promised: Vec::new(),
    };
    upgrade.on_upgrade(move |socket| async move {
        let inside = (ticket, house.conversations.token());
        caller.fate.upgraded();
        let who = (&caller, visitor.ip);
        let begun = begin(&house, who, socket, (admission, reached), peer_v1).await;
        if let Some((socket, link, stays)) = begun {
            // Another task, of half the size: most of a long life is spent in it.
            tokio::spawn(async move {
                conversation::hold(&house, &caller, socket, link, stays).await;
                drop(inside);
            });
        }
    })
}

/// Counted by address, unless that limit is met or the server's.
fn enter(house: &House, visitor: &Visitor) -> Result<Ticket, Full> {
    let entered = if visitor.proxied {
        house.gate.enter_as(Some(visitor.ip))
    } else {
        house.gate.enter(visitor.ip)
    };
    entered.inspect_err(|full| {
        house.metrics.refused(match full {
            Full::Server(_) => "the server is full",
            Full::Address(_) => "too many from one address",
        });
    })
}

/// What the client calls this machine.
fn host_name(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let host = host.parse::<Authority>().ok()?.host().to_owned();
    (host.len() <= MAX_HOST).then_some(host)
}

/// The way to the hub, if there is one; else the socket has been closed.
async fn begin(
    house: &House,
    (caller, ip): (&Caller, IpAddr),
    socket: WebSocket,
    (admission, mut reached): (Result<Admission, Verdict>, Reached),
    peer_v1: bool,
) -> Option<(WebSocket, Link, Option<Duration>)> {
    let decided = match admission {
        Ok(admission) => decide(house, admission, ip, peer_v1).await,
        Err(verdict) => Err(verdict),
    };
    let (Admission { grant, origin, .. }, answer) = match decided {
        Ok(decided) => decided,
        Err(verdict) => {
            debug!(%ip, verdict.reason, "refused");
            conversation::refuse(house, caller, socket, verdict).await;
            return None;
        }
    };
    reached.promised = answer.ice_servers;
    let connected = house.switchboard.connect((grant, origin), reached, peer_v1);
    // What comes to the switchboard in the moment in which it stops may stay there unread.
    if let Ok(link) = connected.await
        && !house.shutdown.is_cancelled()
    {
        debug!(conn = link.conn.0, %ip, peer_v1, "connected");
        Some((socket, link, answer.stays))
    } else {
        conversation::refuse(house, caller, socket, Cause::GoingAway.into()).await;
        None
    }
}

/// Asks the operator's service, if it is to be asked.
async fn decide(
    house: &House,
    admission: Admission,
    ip: IpAddr,
    peer_v1: bool,
) -> Result<(Admission, Answer), Verdict> {
    let Some(service) = &house.webhook else {
        return Ok((admission, Answer::default()));
    };
    tokio::select! {
        () = house.shutdown.cancelled() => Err(Cause::GoingAway.into()),
        decided = admission.decided(service, ip, peer_v1) => decided,
    }
}

fn no_websocket(why: &WebSocketUpgradeRejection) -> Response {
    let text = format!(
        "this is a WebSocket: connect with ws:// (peer-cli --server, or new WebSocket(url) in a page); {why}\n"
    );
    let headers = [
        (header::CONNECTION, "upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_VERSION, "13"),
    ];
    (StatusCode::UPGRADE_REQUIRED, headers, text).into_response()
}

fn stopping() -> Response {
    let text = "this server is stopping: try again, another one may answer\n";
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(header::RETRY_AFTER, RETRY_AFTER)],
        text,
    )
        .into_response()
}

fn no_space(full: &Full) -> Response {
    let (status, text) = match full {
        Full::Server(max) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("this server is full ({max} connections, see --max-connections)\n"),
        ),
        Full::Address(max) => (
            StatusCode::TOO_MANY_REQUESTS,
            format!(
                "too many connections from your address ({max}, see --max-connections-per-ip)\n"
            ),
        ),
    };
    (status, [(header::RETRY_AFTER, RETRY_AFTER)], text).into_response()
}
