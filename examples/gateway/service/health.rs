//! Probes, by the status of the cache. Neither starts a fetch.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::{Value, json};
use yandex_cloud_auth::CacheStatus;

use super::Gateway;
use super::problem::retry_after;

/// Liveness: 200 while the process responds. A restart does not bring a token, so a missing one
/// does not count.
pub(super) async fn healthz(State(gateway): State<Gateway>) -> Json<Value> {
    Json(shown(&gateway.cache.status()))
}

/// Readiness: 200 while a request would be sent without a wait for a token, and the service does
/// not stop.
pub(super) async fn readyz(State(gateway): State<Gateway>) -> Response {
    let status = gateway.cache.status();
    let draining = gateway.draining.load(Ordering::Relaxed);
    let mut body = shown(&status);
    body["draining"] = draining.into();
    if status.is_ready() && !draining {
        return Json(body).into_response();
    }
    let headers = [(RETRY_AFTER, retry_after(&status))];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Json(body)).into_response()
}

/// What an operator needs to know. The text of an error has no secret.
fn shown(status: &CacheStatus) -> Value {
    json!({
        "credential": format!("{:?}", status.state()),
        "fetched": status.generation(),
        "failures": status.consecutive_failures(),
        "rejections": status.rejections(),
        "lastError": status.last_error().map(ToString::to_string),
    })
}
