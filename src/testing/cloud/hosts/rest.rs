//! The REST methods of Workflows: the Execution and Workflow resources of
//! `serverless-workflows.api.cloud.yandex.net`.

use axum::extract::{Path, RawQuery, State};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::testing::cloud::hosts::operations;
use crate::testing::cloud::state::world::{Shared, World};
use crate::testing::cloud::wire::access::{Guard, Resource, authorize, guard};
use crate::testing::cloud::wire::json;
use crate::testing::cloud::wire::payload::Payload;
use crate::testing::cloud::wire::status::ErrorStatus;
use crate::testing::proto::Workflow;

type JsonResult = Result<Json<Value>, ErrorStatus>;

pub(crate) fn routes(cloud: &Shared) -> Router<Shared> {
    let guarded = |resource| {
        middleware::from_fn_with_state(
            Guard {
                resource,
                cloud: cloud.clone(),
            },
            guard,
        )
    };
    // The execution link has no guard, since a public workflow requires no credentials.
    Router::new()
        .route("/workflows/v1/execution/{id}/start", post(start_by_link))
        .merge(executions().route_layer(guarded(Resource::Execution)))
        .merge(workflows().route_layer(guarded(Resource::Other)))
}

fn executions() -> Router<Shared> {
    // `GET …/execution/start` reads the execution with the id `start`.
    let get_start = |cloud| get_execution(cloud, Path("start".to_owned()));
    Router::new()
        .route("/workflows/v1/execution", get(list_executions))
        .route("/workflows/v1/execution/start", post(start).get(get_start))
        .route("/workflows/v1/execution/{id}", get(get_execution))
        .route("/workflows/v1/execution/{id}/stop", post(stop))
        .route("/workflows/v1/execution/{id}/terminate", post(stop))
        .route("/workflows/v1/execution/{id}/history", get(history))
}

fn workflows() -> Router<Shared> {
    let one = get(get_workflow)
        .post(change_bindings)
        .patch(update_workflow)
        .delete(delete_workflow);
    Router::new()
        .route(
            "/workflows/v1/workflow",
            get(list_workflows).post(create_workflow),
        )
        .route("/workflows/v1/workflow/{id}", one)
        .route(
            "/workflows/v1/workflow/{id}/operations",
            get(list_operations),
        )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Start {
    workflow_id: String,
    input: Option<Input>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Input {
    InputJson(String),
    InputValue(Value),
}

async fn start(State(cloud): State<Shared>, Payload(request): Payload<Start>) -> JsonResult {
    let input = request.input.map(|input| match input {
        Input::InputJson(text) => text,
        Input::InputValue(value) => value.to_string(),
    });
    started(&mut cloud.lock(), &request.workflow_id, input)
}

async fn start_by_link(
    State(cloud): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> JsonResult {
    let mut world = cloud.lock();
    if !world.workflows.is_public(&id) {
        authorize(&world, &headers, Resource::Execution)?;
    }
    let input = match &body[..] {
        [] => None,
        body => Some(
            serde_json::from_slice::<Value>(body)
                .map_err(|_| ErrorStatus::invalid("The body is not JSON"))?,
        ),
    };
    started(&mut world, &id, input.map(|value| value.to_string()))
}

fn started(world: &mut World, workflow_id: &str, input: Option<String>) -> JsonResult {
    let now = world.now();
    let id = world.workflows.start(workflow_id, input, now)?;
    Ok(Json(json!({ "executionId": id })))
}

async fn stop(State(cloud): State<Shared>, Path(id): Path<String>) -> JsonResult {
    let id = cloud.lock().workflows.stop(&id)?;
    Ok(Json(json!({ "executionId": id })))
}

async fn get_execution(State(cloud): State<Shared>, Path(id): Path<String>) -> JsonResult {
    let world = cloud.lock();
    Ok(Json(
        json!({ "execution": json::execution(world.workflows.execution(&id)?) }),
    ))
}

async fn history(State(cloud): State<Shared>, Path(id): Path<String>) -> JsonResult {
    let (execution, step) = cloud.lock().workflows.history(&id)?;
    Ok(Json(
        json!({ "execution": json::preview(&execution), "entries": [json::history_entry(&step)] }),
    ))
}

async fn list_executions(State(cloud): State<Shared>, RawQuery(query): RawQuery) -> JsonResult {
    let (id, size, token) = list_parameters(query, "workflowId")?;
    let (page, next) = cloud.lock().workflows.executions(&id, size, &token)?;
    let page: Vec<_> = page.iter().map(json::preview).collect();
    Ok(Json(json!({ "executions": page, "nextPageToken": next })))
}

async fn list_workflows(State(cloud): State<Shared>, RawQuery(query): RawQuery) -> JsonResult {
    let (id, size, token) = list_parameters(query, "folderId")?;
    let (page, next) = cloud.lock().workflows.workflows(&id, size, &token)?;
    let page: Vec<_> = page.iter().map(json::workflow).collect();
    Ok(Json(json!({ "workflows": page, "nextPageToken": next })))
}

/// The id of the parent resource in the parameter `of`, the page size and the page token.
fn list_parameters(query: Option<String>, of: &str) -> Result<(String, i64, String), ErrorStatus> {
    let query = query.unwrap_or_default();
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let size = match value("pageSize").as_str() {
        "" => 0,
        size => size
            .parse()
            .map_err(|_| ErrorStatus::invalid("pageSize is not a number"))?,
    };
    Ok((value(of), size, value("pageToken")))
}

async fn create_workflow(
    State(cloud): State<Shared>,
    Payload(request): Payload<Value>,
) -> JsonResult {
    let mut world = cloud.lock();
    let now = world.now();
    let workflow = world
        .workflows
        .create(request["folderId"].as_str().unwrap_or_default(), now)?;
    apply(workflow, &request);
    let (id, workflow) = (workflow.id.clone(), json::workflow(workflow));
    Ok(Json(operations::record(
        &mut world,
        "Create workflow",
        &id,
        workflow,
    )))
}

async fn update_workflow(
    State(cloud): State<Shared>,
    Path(id): Path<String>,
    Payload(request): Payload<Value>,
) -> JsonResult {
    let mut world = cloud.lock();
    let now = world.now();
    let workflow = world.workflows.workflow(&id, now)?;
    apply(workflow, &request);
    let workflow = json::workflow(workflow);
    Ok(Json(operations::record(
        &mut world,
        "Update workflow",
        &id,
        workflow,
    )))
}

/// Stores the name and the description. The fake ignores the other fields.
fn apply(workflow: &mut Workflow, request: &Value) {
    for (field, name) in [
        (&mut workflow.name, "name"),
        (&mut workflow.description, "description"),
    ] {
        if let Some(text) = request[name].as_str() {
            text.clone_into(field);
        }
    }
}

async fn delete_workflow(State(cloud): State<Shared>, Path(id): Path<String>) -> JsonResult {
    let mut world = cloud.lock();
    world.workflows.delete(&id);
    Ok(Json(operations::record(
        &mut world,
        "Delete workflow",
        &id,
        json!({}),
    )))
}

/// Reads a workflow, or its access bindings if the path ends with `:listAccessBindings`.
async fn get_workflow(State(cloud): State<Shared>, Path(target): Path<String>) -> JsonResult {
    match target.rsplit_once(':') {
        Some((_, "listAccessBindings")) => Ok(Json(json!({ "accessBindings": [] }))),
        Some(_) => Err(ErrorStatus::not_found("Not Found")),
        None => {
            let mut world = cloud.lock();
            let now = world.now();
            let mut workflow = json::workflow(world.workflows.workflow(&target, now)?);
            workflow["isPublic"] = world.workflows.is_public(&target).into();
            workflow["executionUrl"] = format!(
                "{}/workflows/v1/execution/{target}/start",
                world.workflows_url()
            )
            .into();
            Ok(Json(json!({ "workflow": workflow })))
        }
    }
}

/// Changes the access bindings of a workflow. The fake records the operation and stores nothing.
async fn change_bindings(State(cloud): State<Shared>, Path(target): Path<String>) -> JsonResult {
    match target.rsplit_once(':') {
        Some((id, "setAccessBindings" | "updateAccessBindings")) => Ok(Json(operations::record(
            &mut cloud.lock(),
            "Change access bindings",
            id,
            json!({}),
        ))),
        _ => Err(ErrorStatus::not_found("Not Found")),
    }
}

async fn list_operations(State(cloud): State<Shared>, Path(id): Path<String>) -> JsonResult {
    Ok(Json(
        json!({ "operations": operations::of_workflow(&cloud.lock(), &id) }),
    ))
}
