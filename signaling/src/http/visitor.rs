//! Who asks: the other end of the connection, or whom a trusted proxy speaks for. Every request passes here.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::warn;

use super::House;
use super::wire::Caller;
use crate::forwarded::{Said, Visitor, visitor};

/// What proxies add, the usual ones by default: RFC 7239, RFC 9110 section 7.6.3, and what has become custom.
const OF_PROXIES: [&str; 8] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
];

/// Whether a proxy has passed this on and does not hide it.
pub(super) fn is_passed_on(headers: &HeaderMap) -> bool {
    OF_PROXIES.iter().any(|name| headers.contains_key(*name))
}

/// Once: a proxy that nobody trusts stands for all its clients, which share its limits or, on this machine, have none.
fn may_be_untrusted(house: &House, caller: &Caller, headers: &HeaderMap) {
    if caller.addr.ip().to_canonical().is_loopback() && is_passed_on(headers) {
        house.untrusted_proxy.call_once(|| {
            warn!(
                "a proxy on this machine passes clients on: name it with --trust-proxy {}, or they have no limit by address",
                caller.addr.ip().to_canonical()
            );
        });
    }
}

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
        may_be_untrusted(&house, &caller, headers);
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
