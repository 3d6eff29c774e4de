//! Error responses, as problem details *(RFC 9457)*. The member `code` names the cause:
//!
//! | status | `code` | cause |
//! | --- | --- | --- |
//! | 400, 413, 415, 422 | `bad_request` | the gateway does not understand the request |
//! | 403 | `denied_by_policy` | the gateway's own policy: its credential is not for that method |
//! | 404, 405 | `not_found`, `method_not_allowed` | the gateway has no such route |
//! | 502 | `cloud_unauthorized` | the cloud rejected the gateway's credential with a 401 |
//! | 502 | `cloud_forbidden` | the gateway's account lacks a role: the cloud returned 403 |
//! | 502 | `cloud_failed` | the cloud could not be reached or returned an error |
//! | 503 | `no_credential` | no token can be fetched; `Retry-After` is the next attempt |
//! | 504 | `timeout` | the token or the response took too long |
//! | the cloud's | `cloud_rejected` | any other 4xx of the cloud, or its 503 |
//!
//! The 401 and the 403 of the cloud are no 401 and 403 here. They are about the credential of the
//! gateway, and the caller has no other to send.

use std::time::SystemTime;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tower::BoxError;
use tower::timeout::error::Elapsed;
use yandex_cloud_auth::{AuthError, CacheStatus};

/// An error response.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after: Option<HeaderValue>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such route")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "the route has another method",
        )
    }

    pub(super) fn not_understood(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "cloud_failed", detail)
    }

    /// Why a request to the cloud has no response. The details are for the log of the gateway: they
    /// may name files and hosts that the caller need not know.
    pub(super) fn of_error(error: &BoxError, cache: &CacheStatus) -> Self {
        if error.is::<Elapsed>() {
            return Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "timeout",
                "the cloud did not respond in time",
            );
        }
        match error.downcast_ref() {
            Some(AuthError::Denied(denial)) => Self::new(
                StatusCode::FORBIDDEN,
                "denied_by_policy",
                denial.to_string(),
            ),
            Some(error) => {
                eprintln!("no credential: {error}");
                Self::no_credential(cache)
            }
            None => {
                eprintln!("request failed: {error}");
                Self::not_understood("the cloud could not be reached")
            }
        }
    }

    fn no_credential(cache: &CacheStatus) -> Self {
        Self {
            retry_after: Some(retry_after(cache)),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "no_credential",
                "the gateway has no credential for the cloud",
            )
        }
    }

    /// An error response of the cloud.
    pub(super) fn of_response(response: &http::Response<Bytes>) -> Self {
        let (status, code) = match response.status() {
            StatusCode::UNAUTHORIZED => (StatusCode::BAD_GATEWAY, "cloud_unauthorized"),
            StatusCode::FORBIDDEN => (StatusCode::BAD_GATEWAY, "cloud_forbidden"),
            status @ StatusCode::SERVICE_UNAVAILABLE => (status, "cloud_rejected"),
            status if status.is_client_error() => (status, "cloud_rejected"),
            _ => (StatusCode::BAD_GATEWAY, "cloud_failed"),
        };
        let problem = Self::new(status, code, reason(response));
        eprintln!("{code}: {}", problem.detail);
        Self {
            retry_after: response.headers().get(RETRY_AFTER).cloned(),
            ..problem
        }
    }
}

/// The seconds until the cache tries again, rounded up: 1 where it does not wait.
pub(super) fn retry_after(cache: &CacheStatus) -> HeaderValue {
    let left = cache
        .next_attempt_at()
        .and_then(|at| at.duration_since(SystemTime::now()).ok());
    left.map_or(1, |left| left.as_secs() + 1).into()
}

/// The message and the request id of a `google.rpc.Status`, which the support needs.
fn reason(response: &http::Response<Bytes>) -> String {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let message = body["message"].as_str().unwrap_or("no message");
    let id = header(response.headers(), "x-request-id");
    format!(
        "the cloud returned {}: {message} (request id {id})",
        response.status()
    )
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or("unknown")
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "bad_request", rejection.body_text())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "status": self.status.as_u16(),
            "title": self.status.canonical_reason(),
            "code": self.code,
            "detail": self.detail,
        });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(retry_after) = self.retry_after {
            headers.insert(RETRY_AFTER, retry_after);
        }
        response
    }
}
