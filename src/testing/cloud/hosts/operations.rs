//! Operations: what changes to a workflow return, done at once; and
//! `operation.api.cloud.yandex.net`, where they are read.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde_json::{Value, json};

use crate::testing::cloud::state::expires_at::rfc3339;
use crate::testing::cloud::state::random;
use crate::testing::cloud::state::world::{Shared, World};
use crate::testing::cloud::wire::access::{Guard, Resource, guard};
use crate::testing::cloud::wire::status::ErrorStatus;

pub(crate) fn routes(cloud: &Shared) -> Router<Shared> {
    let guarded = Guard {
        resource: Resource::Other,
        cloud: cloud.clone(),
    };
    Router::new()
        .route("/operations/{id}", get(read))
        .route_layer(middleware::from_fn_with_state(guarded, guard))
}

/// Reads an operation, or cancels it, which does nothing to one that is done. Yes, both are a
/// `GET`.
async fn read(
    State(cloud): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ErrorStatus> {
    let id = id.strip_suffix(":cancel").unwrap_or(&id);
    let world = cloud.lock();
    let found = world
        .operations
        .iter()
        .find(|operation| operation["id"] == id);
    found
        .cloned()
        .map(Json)
        .ok_or_else(|| ErrorStatus::not_found("Operation was not found"))
}

/// Notes an operation on a workflow and returns it, done.
pub(crate) fn record(
    world: &mut World,
    description: &str,
    workflow_id: &str,
    response: Value,
) -> Value {
    let now = rfc3339(world.now(), 9);
    let operation = json!({
        "id": random::id("dfo"),
        "description": description,
        "createdAt": now,
        "modifiedAt": now,
        "done": true,
        "metadata": { "workflowId": workflow_id },
        "response": response,
    });
    world.operations.push(operation.clone());
    operation
}

/// The operations on a workflow, in order.
pub(crate) fn of_workflow(world: &World, workflow_id: &str) -> Vec<Value> {
    world
        .operations
        .iter()
        .filter(|operation| operation["metadata"]["workflowId"] == workflow_id)
        .cloned()
        .collect()
}
