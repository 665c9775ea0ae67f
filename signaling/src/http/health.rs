//! What is asked about the server itself: whether it lives, whether it takes anybody, what it has counted.

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::visitor::is_passed_on;
use super::{House, nothing};
use crate::forwarded::Visitor;
use crate::metrics::CONTENT_TYPE;

/// Where everybody may ask.
pub(super) fn routes() -> Router<Arc<House>> {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
}

/// The same, and what was counted, for this machine alone.
pub(super) fn routes_with_local_metrics() -> Router<Arc<House>> {
    routes().route("/metrics", get(local_metrics))
}

/// The same, and what was counted, for everybody who reaches them.
pub(super) fn routes_with_metrics() -> Router<Arc<House>> {
    routes().route("/metrics", get(metrics))
}

/// Not any more once it ends.
async fn ready(State(house): State<Arc<House>>) -> Response {
    if house.is_ending() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping").into_response();
    }
    if house.switchboard.is_cut_off() {
        return "ok, but degraded: no broker, so rooms are this server's own".into_response();
    }
    "ok".into_response()
}

/// Not for those who come through a proxy on this machine, whether it is trusted or not.
async fn local_metrics(
    State(house): State<Arc<House>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let is_local = visitor.ip.is_loopback() && !visitor.proxied;
    if !is_local || is_passed_on(&headers) {
        return nothing(uri).await;
    }
    metrics(State(house)).await
}

async fn metrics(State(house): State<Arc<House>>) -> Response {
    let content = [(header::CONTENT_TYPE, CONTENT_TYPE)];
    (content, house.metrics.text()).into_response()
}
