//! `169.254.169.254`: the token of the service account of a virtual machine, function or container.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::testing::cloud::state::tokens::Issued;
use crate::testing::cloud::state::world::Shared;

pub(crate) fn routes() -> Router<Shared> {
    Router::new().route(
        "/computeMetadata/v1/instance/service-accounts/default/token",
        get(token),
    )
}

async fn token(State(cloud): State<Shared>, headers: HeaderMap) -> Response {
    if headers
        .get("metadata-flavor")
        .is_none_or(|flavor| flavor != "Google")
    {
        // Yandex does not document this response. Google's metadata service returns the same.
        return (
            StatusCode::FORBIDDEN,
            "Missing Metadata-Flavor:Google header",
        )
            .into_response();
    }
    let mut world = cloud.lock();
    let now = world.now();
    let account = world.accounts.first().id.clone();
    let Issued { token, expires_at } = world.tokens.issue_cached(&account, now);
    let left = expires_at.duration_since(now).unwrap_or_default().as_secs();
    Json(json!({ "access_token": token, "expires_in": left, "token_type": "Bearer" }))
        .into_response()
}
