//! What is asked about the server itself: whether it lives, whether it takes anybody, what it has counted.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::wire::Caller;
use super::{House, nothing};
use crate::metrics::CONTENT_TYPE;

/// What proxies add (RFC 7239, and what was there before it).
const FORWARDED: [&str; 2] = ["forwarded", "x-forwarded-for"];

pub(super) fn routes() -> Router<Arc<House>> {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// Not any more once it ends.
async fn ready(State(house): State<Arc<House>>) -> Response {
    if house.is_ending() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping").into_response();
    }
    "ok".into_response()
}

/// For this machine alone, and not for those who come through a proxy on it.
async fn metrics(
    State(house): State<Arc<House>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let is_local = caller.addr.ip().to_canonical().is_loopback();
    if !is_local || FORWARDED.iter().any(|name| headers.contains_key(*name)) {
        return nothing(uri).await;
    }
    let content = [(header::CONTENT_TYPE, CONTENT_TYPE)];
    (content, house.metrics.text()).into_response()
}
