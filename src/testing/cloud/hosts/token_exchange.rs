//! `auth.yandex.cloud`: exchanges a token of another identity provider for an IAM token
//! *(RFC 8693)*.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::testing::cloud::state::tokens::Issued;
use crate::testing::cloud::state::world::{Shared, World};
use crate::testing::cloud::wire::status::{ErrorShape, ErrorStatus, RequestId};

/// The parameters with a fixed value. The other parameters are `audience` and `subject_token`.
const FIXED: [(&str, &str); 3] = [
    (
        "grant_type",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ),
    (
        "requested_token_type",
        "urn:ietf:params:oauth:token-type:access_token",
    ),
    (
        "subject_token_type",
        "urn:ietf:params:oauth:token-type:id_token",
    ),
];

pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/oauth/token", post(exchange))
}

async fn exchange(
    State(cloud): State<Shared>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = cloud.lock();
    let form = match form(&headers, &body) {
        Some(form) => form,
        None => return error_response(&world, &id, "invalid_request", "the body must be a form"),
    };
    if let Err((error, description)) = check(&form, &world) {
        return error_response(&world, &id, error, description);
    }
    let now = world.now();
    let Issued { token, expires_at } = world.tokens.issue(&form["audience"], now);
    let left = expires_at.duration_since(now).unwrap_or_default().as_secs();
    Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": left }))
        .into_response()
}

fn form(headers: &HeaderMap, body: &[u8]) -> Option<HashMap<String, String>> {
    let is_form = headers
        .get(CONTENT_TYPE)?
        .to_str()
        .ok()?
        .starts_with("application/x-www-form-urlencoded");
    is_form.then(|| form_urlencoded::parse(body).into_owned().collect())
}

fn check(
    form: &HashMap<String, String>,
    world: &World,
) -> Result<(), (&'static str, &'static str)> {
    let value = |name| form.get(name).map(String::as_str);
    if FIXED
        .iter()
        .any(|&(name, fixed)| value(name) != Some(fixed))
    {
        return Err((
            "invalid_request",
            "grant_type, requested_token_type or subject_token_type is wrong",
        ));
    }
    if !value("audience").is_some_and(|account| world.accounts.exists(account)) {
        return Err(("invalid_target", "audience is not a service account"));
    }
    if !value("subject_token").is_some_and(|token| world.grants.accepts_subject(token, world.now()))
    {
        return Err(("invalid_grant", "subject_token is invalid or expired"));
    }
    Ok(())
}

fn error_response(
    world: &World,
    id: &RequestId,
    error: &'static str,
    description: &'static str,
) -> Response {
    match world.exchange_errors {
        ErrorShape::OAuth => {
            let body = json!({ "error": error, "error_description": description });
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
        ErrorShape::Status => ErrorStatus::unauthenticated(description).to_rest(id),
    }
}
