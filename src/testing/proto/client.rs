//! Clients in the shape that tonic generates, so that a test reads as its user's code will.

use bytes::Bytes;
use http::uri::PathAndQuery;
use http_body::Body as HttpBody;
use prost::Message;
use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic::{IntoRequest, Request, Response, Status};
use tonic_prost::ProstCodec;

use super::execution::*;
use super::workflow::*;
use crate::error::BoxError;

/// A client of `yandex.cloud.serverless.workflows.v1.ExecutionService`.
///
/// Every method fails with the server's `Status`, or with `UNKNOWN` where the service under it is
/// not ready.
#[derive(Clone, Debug)]
pub struct ExecutionServiceClient<T> {
    inner: Grpc<T>,
}

impl<T> ExecutionServiceClient<T>
where
    T: GrpcService<Body>,
    T::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <T::ResponseBody as HttpBody>::Error: Into<BoxError> + Send,
{
    /// A client over a channel, or over a channel with layers on it.
    pub fn new(inner: T) -> Self {
        Self {
            inner: Grpc::new(inner),
        }
    }

    /// Starts an execution.
    pub async fn start(
        &mut self,
        request: impl IntoRequest<StartExecutionRequest>,
    ) -> Result<Response<StartExecutionResponse>, Status> {
        self.call(
            "/yandex.cloud.serverless.workflows.v1.ExecutionService/Start",
            request,
        )
        .await
    }

    /// Stops an execution after its present step.
    pub async fn stop(
        &mut self,
        request: impl IntoRequest<StopExecutionRequest>,
    ) -> Result<Response<StopExecutionResponse>, Status> {
        self.call(
            "/yandex.cloud.serverless.workflows.v1.ExecutionService/Stop",
            request,
        )
        .await
    }

    /// Stops an execution at once.
    pub async fn terminate(
        &mut self,
        request: impl IntoRequest<TerminateExecutionRequest>,
    ) -> Result<Response<TerminateExecutionResponse>, Status> {
        self.call(
            "/yandex.cloud.serverless.workflows.v1.ExecutionService/Terminate",
            request,
        )
        .await
    }

    /// Reads an execution.
    pub async fn get(
        &mut self,
        request: impl IntoRequest<GetExecutionRequest>,
    ) -> Result<Response<GetExecutionResponse>, Status> {
        self.call(
            "/yandex.cloud.serverless.workflows.v1.ExecutionService/Get",
            request,
        )
        .await
    }

    /// Reads the steps of an execution.
    pub async fn get_history(
        &mut self,
        request: impl IntoRequest<GetExecutionHistoryRequest>,
    ) -> Result<Response<GetExecutionHistoryResponse>, Status> {
        self.call(
            "/yandex.cloud.serverless.workflows.v1.ExecutionService/GetHistory",
            request,
        )
        .await
    }

    /// Reads the executions of a workflow, a page at a time.
    pub async fn list(
        &mut self,
        request: impl IntoRequest<ListExecutionsRequest>,
    ) -> Result<Response<ListExecutionsResponse>, Status> {
        self.call(
            "/yandex.cloud.serverless.workflows.v1.ExecutionService/List",
            request,
        )
        .await
    }

    async fn call<A, B>(
        &mut self,
        path: &'static str,
        request: impl IntoRequest<A>,
    ) -> Result<Response<B>, Status>
    where
        A: Message + 'static,
        B: Message + Default + 'static,
    {
        unary(&mut self.inner, path, request.into_request()).await
    }
}

/// A client of `yandex.cloud.serverless.workflows.v1.WorkflowService`.
///
/// Every method fails with the server's `Status`, or with `UNKNOWN` where the service under it is
/// not ready.
#[derive(Clone, Debug)]
pub struct WorkflowServiceClient<T> {
    inner: Grpc<T>,
}

impl<T> WorkflowServiceClient<T>
where
    T: GrpcService<Body>,
    T::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <T::ResponseBody as HttpBody>::Error: Into<BoxError> + Send,
{
    /// A client over a channel, or over a channel with layers on it.
    pub fn new(inner: T) -> Self {
        Self {
            inner: Grpc::new(inner),
        }
    }

    /// Creates a workflow.
    pub async fn create(
        &mut self,
        request: impl IntoRequest<CreateWorkflowRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.call(
            "/yandex.cloud.serverless.workflows.v1.WorkflowService/Create",
            request,
        )
        .await
    }

    /// Reads a workflow.
    pub async fn get(
        &mut self,
        request: impl IntoRequest<GetWorkflowRequest>,
    ) -> Result<Response<GetWorkflowResponse>, Status> {
        self.call(
            "/yandex.cloud.serverless.workflows.v1.WorkflowService/Get",
            request,
        )
        .await
    }

    /// Reads the workflows of a folder, a page at a time.
    pub async fn list(
        &mut self,
        request: impl IntoRequest<ListWorkflowsRequest>,
    ) -> Result<Response<ListWorkflowsResponse>, Status> {
        self.call(
            "/yandex.cloud.serverless.workflows.v1.WorkflowService/List",
            request,
        )
        .await
    }

    async fn call<A, B>(
        &mut self,
        path: &'static str,
        request: impl IntoRequest<A>,
    ) -> Result<Response<B>, Status>
    where
        A: Message + 'static,
        B: Message + Default + 'static,
    {
        unary(&mut self.inner, path, request.into_request()).await
    }
}

async fn unary<T, A, B>(
    grpc: &mut Grpc<T>,
    path: &'static str,
    request: Request<A>,
) -> Result<Response<B>, Status>
where
    T: GrpcService<Body>,
    T::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <T::ResponseBody as HttpBody>::Error: Into<BoxError> + Send,
    A: Message + 'static,
    B: Message + Default + 'static,
{
    grpc.ready()
        .await
        .map_err(|error| Status::unknown(format!("service was not ready: {}", error.into())))?;
    grpc.unary(
        request,
        PathAndQuery::from_static(path),
        ProstCodec::<A, B>::default(),
    )
    .await
}
