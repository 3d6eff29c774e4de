//! `operation.api.cloud.yandex.net`, and the operations that changes of a workflow return. Every
//! operation is done when it is created.

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

/// Reads or cancels an operation. Canceling has no effect, since every operation is done. The API
/// defines both as `GET`.
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

/// Stores an operation of a workflow and returns it.
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

/// The operations of a workflow, oldest first.
pub(crate) fn of_workflow(world: &World, workflow_id: &str) -> Vec<Value> {
    world
        .operations
        .iter()
        .filter(|operation| operation["metadata"]["workflowId"] == workflow_id)
        .cloned()
        .collect()
}
