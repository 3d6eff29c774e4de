//! JSON bodies, parsed as by the cloud's gateway.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::testing::cloud::wire::status::ErrorStatus;

/// A JSON body. Types with `deny_unknown_fields` reject unknown fields.
pub(crate) struct Payload<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Payload<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if !is_json(request.headers()) {
            return Err(
                ErrorStatus::invalid("Content-Type must be application/json").into_response(),
            );
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(IntoResponse::into_response)?;
        // The error of the parser could quote the body, so it is not shown.
        let parsed = serde_json::from_slice(&body)
            .map_err(|_| ErrorStatus::invalid("The body is not the JSON expected here"));
        parsed.map(Self).map_err(IntoResponse::into_response)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    content_type
        .split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
