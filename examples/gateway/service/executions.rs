//! The API: starts executions, and reads executions and workflows.
//!
//! A request to the cloud is built from scratch. Of the caller's headers it has only those that
//! trace a request, so that no `Authorization`, `Proxy-Authorization` or `Cookie` goes further. Of
//! the cloud's response headers none goes back.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::Gateway;
use super::problem::Problem;

/// The headers of a caller that go to the cloud.
const FORWARDED: [&str; 3] = ["traceparent", "tracestate", "x-request-id"];

/// The longest id. Those of the cloud have 20 characters.
const MAX_ID: usize = 50;

pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/api/executions", post(start))
        .route("/api/executions/{id}", get(execution))
        .route("/api/executions/{id}/stop", post(stop))
        .route("/api/workflows/{id}", get(workflow))
        .route("/api/workflows/{id}/executions", get(executions))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Start {
    workflow_id: String,
    #[serde(default)]
    input: Option<Value>,
}

/// Only JSON with its content type is accepted, which a page of another origin cannot send without
/// a CORS preflight.
async fn start(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    request: Result<Json<Start>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(Start { workflow_id, input }) = request?;
    let mut body = json!({ "workflowId": checked(&workflow_id)? });
    if let Some(input) = input {
        body["input"] = json!({ "inputJson": input.to_string() });
    }
    let path = "/workflows/v1/execution/start";
    let started = gateway
        .ask(Method::POST, path, &headers, Some(body))
        .await?;
    let id = started["executionId"]
        .as_str()
        .ok_or_else(|| Problem::not_understood("the cloud returned no execution id"))?;
    let location = [(LOCATION, format!("/api/executions/{id}"))];
    Ok((StatusCode::CREATED, location, Json(&started)).into_response())
}

async fn execution(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let path = format!("/workflows/v1/execution/{}", checked(&id)?);
    gateway
        .ask(Method::GET, &path, &headers, None)
        .await
        .map(Json)
}

async fn stop(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let path = format!("/workflows/v1/execution/{}/stop", checked(&id)?);
    let body = Some(json!({}));
    gateway
        .ask(Method::POST, &path, &headers, body)
        .await
        .map(Json)
}

/// The policy denies this one where the gateway has an API key.
async fn workflow(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let path = format!("/workflows/v1/workflow/{}", checked(&id)?);
    gateway
        .ask(Method::GET, &path, &headers, None)
        .await
        .map(Json)
}

async fn executions(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let path = format!("/workflows/v1/execution?workflowId={}", checked(&id)?);
    gateway
        .ask(Method::GET, &path, &headers, None)
        .await
        .map(Json)
}

/// An id that is safe in a path and a query. The router has decoded it, so that it may have any
/// character, also `/` and `..`.
fn checked(id: &str) -> Result<&str, Problem> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=MAX_ID).contains(&id.len()) && id.bytes().all(is_part) {
        Ok(id)
    } else {
        Err(Problem::bad_request(
            "an id has 1 to 50 letters, digits, '-' and '_'",
        ))
    }
}

impl Gateway {
    /// Sends a request to the cloud and returns the JSON of its response.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        caller: &HeaderMap,
        body: Option<Value>,
    ) -> Result<Value, Problem> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        for name in FORWARDED {
            for value in caller.get_all(name) {
                request = request.header(name, value);
            }
        }
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Full::from(body.to_string())
            }
            None => Full::<Bytes>::default(),
        };
        let request = request
            .body(body)
            .map_err(|_| Problem::not_understood("the address of the cloud is wrong"))?;
        let response = self.client.clone().oneshot(request).await;
        let response = response.map_err(|error| Problem::of_error(&error, &self.cache.status()))?;
        if !response.status().is_success() {
            return Err(Problem::of_response(&response));
        }
        serde_json::from_slice(response.body())
            .map_err(|_| Problem::not_understood("the response of the cloud is not JSON"))
    }
}
