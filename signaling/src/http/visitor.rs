//! Who asks: the other end of the connection, or whom a trusted proxy speaks for. Every request passes here.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::House;
use super::wire::Caller;
use crate::forwarded::{Said, Visitor, visitor};

/// What proxies add.
pub(super) const FORWARDED: [&str; 2] = ["forwarded", "x-forwarded-for"];

/// Tells those behind it who asks, as a [`Visitor`]; the host is what the client called this server, wherever proxies
/// renamed it. Counts what nobody behind it answers.
pub(super) async fn identify(
    State(house): State<Arc<House>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    let trusted = &house.options.trusted_proxies;
    let headers = request.headers();
    let mut visitor = if trusted.is_empty() {
        Visitor::direct(caller.addr.ip().to_canonical())
    } else {
        visitor(trusted, caller.addr.ip(), &said(headers))
    };
    visitor.secure |= house.secure && !visitor.proxied;
    let host = visitor.host.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(host)) = host {
        request.headers_mut().insert(header::HOST, host);
    }
    request.extensions_mut().insert(visitor);
    let response = next.run(request).await;
    match response.status() {
        StatusCode::NOT_FOUND => house.metrics.refused("nothing there"),
        StatusCode::METHOD_NOT_ALLOWED => house.metrics.refused("not that method"),
        _ => {}
    }
    response
}

fn said(headers: &HeaderMap) -> Said<'_> {
    let all = |name| {
        let values = headers.get_all(name).into_iter();
        // What is no text is nothing that can be read: it ends the chain as any other nonsense.
        values.map(|v| v.to_str().unwrap_or("unreadable")).collect()
    };
    Said {
        x_forwarded_for: all("x-forwarded-for"),
        x_forwarded_proto: all("x-forwarded-proto"),
        x_forwarded_host: all("x-forwarded-host"),
        forwarded: all("forwarded"),
    }
}
