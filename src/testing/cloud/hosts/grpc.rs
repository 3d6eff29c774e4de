//! The gRPC methods of Workflows, served by tonic over HTTP/2.

use std::future::{Ready, ready};

use axum::extract::{Request, State};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, post};
use axum::{Router, middleware};
use prost::Message;
use tonic::Code;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic_prost::ProstCodec;

use crate::testing::cloud::hosts::operations;
use crate::testing::cloud::state::world::{Shared, World};
use crate::testing::cloud::wire::access::{Guard, Resource, guard};
use crate::testing::cloud::wire::json;
use crate::testing::cloud::wire::status::{ErrorStatus, RequestId};
use crate::testing::proto::*;

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
    Router::new()
        .nest(
            "/yandex.cloud.serverless.workflows.v1.ExecutionService",
            executions().route_layer(guarded(Resource::Execution)),
        )
        .nest(
            "/yandex.cloud.serverless.workflows.v1.WorkflowService",
            workflows().route_layer(guarded(Resource::Other)),
        )
        .nest(
            "/yandex.cloud.operation.OperationService",
            others().route_layer(guarded(Resource::Other)),
        )
}

fn executions() -> Router<Shared> {
    others()
        .route("/Start", route(start))
        .route("/Stop", route(stop))
        .route("/Terminate", route(terminate))
        .route("/Get", route(get_execution))
        .route("/GetHistory", route(get_history))
        .route("/List", route(list_executions))
}

fn workflows() -> Router<Shared> {
    others()
        .route("/Create", route(create_workflow))
        .route("/Get", route(get_workflow))
        .route("/List", route(list_workflows))
}

/// Routes for all other methods: they check the credentials and return `UNIMPLEMENTED`.
fn others() -> Router<Shared> {
    Router::new().route("/{method}", post(unimplemented))
}

pub(crate) async fn unimplemented() -> ErrorStatus {
    ErrorStatus::new(Code::Unimplemented, "Method not found")
}

fn start(
    world: &mut World,
    request: StartExecutionRequest,
) -> Result<StartExecutionResponse, ErrorStatus> {
    let now = world.now();
    let input = request.input.unwrap_or_default();
    let input = match (input.input_json, input.input_value) {
        (Some(_), Some(_)) => return Err(ErrorStatus::invalid("input: it is set twice")),
        (Some(text), None) => Some(text),
        (None, value) => value.map(|value| serde_json::Value::from(value).to_string()),
    };
    Ok(StartExecutionResponse {
        execution_id: world.workflows.start(&request.workflow_id, input, now)?,
    })
}

fn stop(
    world: &mut World,
    request: StopExecutionRequest,
) -> Result<StopExecutionResponse, ErrorStatus> {
    Ok(StopExecutionResponse {
        execution_id: world.workflows.stop(&request.execution_id)?,
    })
}

fn terminate(
    world: &mut World,
    request: TerminateExecutionRequest,
) -> Result<TerminateExecutionResponse, ErrorStatus> {
    Ok(TerminateExecutionResponse {
        execution_id: world.workflows.stop(&request.execution_id)?,
    })
}

fn get_execution(
    world: &mut World,
    request: GetExecutionRequest,
) -> Result<GetExecutionResponse, ErrorStatus> {
    Ok(GetExecutionResponse {
        execution: Some(world.workflows.execution(&request.execution_id)?.clone()),
    })
}

fn get_history(
    world: &mut World,
    request: GetExecutionHistoryRequest,
) -> Result<GetExecutionHistoryResponse, ErrorStatus> {
    let (execution, step) = world.workflows.history(&request.execution_id)?;
    Ok(GetExecutionHistoryResponse {
        execution: Some(execution),
        entries: vec![step],
    })
}

fn list_executions(
    world: &mut World,
    request: ListExecutionsRequest,
) -> Result<ListExecutionsResponse, ErrorStatus> {
    let (executions, next_page_token) =
        world
            .workflows
            .executions(&request.workflow_id, request.page_size, &request.page_token)?;
    Ok(ListExecutionsResponse {
        executions,
        next_page_token,
    })
}

fn create_workflow(
    world: &mut World,
    request: CreateWorkflowRequest,
) -> Result<Operation, ErrorStatus> {
    let now = world.now();
    let workflow = world.workflows.create(&request.folder_id, now)?;
    (workflow.name, workflow.description) = (request.name, request.description);
    let (id, workflow) = (workflow.id.clone(), json::workflow(workflow));
    let operation = operations::record(world, "Create workflow", &id, workflow);
    let text = |field: &str| operation[field].as_str().unwrap_or_default().to_owned();
    Ok(Operation {
        id: text("id"),
        description: text("description"),
        done: true,
    })
}

fn get_workflow(
    world: &mut World,
    request: GetWorkflowRequest,
) -> Result<GetWorkflowResponse, ErrorStatus> {
    let now = world.now();
    Ok(GetWorkflowResponse {
        workflow: Some(world.workflows.workflow(&request.workflow_id, now)?.clone()),
    })
}

fn list_workflows(
    world: &mut World,
    request: ListWorkflowsRequest,
) -> Result<ListWorkflowsResponse, ErrorStatus> {
    let (page, next_page_token) =
        world
            .workflows
            .workflows(&request.folder_id, request.page_size, &request.page_token)?;
    let workflows = page.into_iter().map(|workflow| WorkflowPreview {
        id: workflow.id,
        folder_id: workflow.folder_id,
        created_at: workflow.created_at,
        name: workflow.name,
        description: workflow.description,
        status: workflow.status,
    });
    Ok(ListWorkflowsResponse {
        workflows: workflows.collect(),
        next_page_token,
    })
}

/// A unary method. It runs while the state is locked.
pub(crate) type Method<A, B> = fn(&mut World, A) -> Result<B, ErrorStatus>;

pub(crate) fn route<A, B>(method: Method<A, B>) -> MethodRouter<Shared>
where
    A: Message + Default + 'static,
    B: Message + Default + 'static,
{
    post(
        move |State(cloud): State<Shared>, request: Request| async move {
            let unary = Unary { method, cloud };
            let response: http::Response<Body> = Grpc::new(ProstCodec::<B, A>::default())
                .unary(unary, request)
                .await;
            response.into_response()
        },
    )
}

struct Unary<A, B> {
    method: Method<A, B>,
    cloud: Shared,
}

impl<A, B> UnaryService<A> for Unary<A, B> {
    type Response = B;
    type Future = Ready<Result<tonic::Response<B>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<A>) -> Self::Future {
        let id = request.extensions().get::<RequestId>().cloned();
        let result = (self.method)(&mut self.cloud.lock(), request.into_inner());
        ready(
            result
                .map(tonic::Response::new)
                .map_err(|error| error.to_grpc(&id.expect("the gate adds a request id"))),
        )
    }
}
