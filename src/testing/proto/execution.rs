//! The messages of `ExecutionService`.

use crate::testing::proto::time::{Duration, Timestamp};
use crate::testing::proto::value::Value;

/// The request of `Start`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StartExecutionRequest {
    /// The id of the workflow.
    #[prost(string, tag = "1")]
    pub workflow_id: String,
    /// The input.
    #[prost(message, optional, tag = "3")]
    pub input: Option<ExecutionInput>,
}

/// The response of `Start`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct StartExecutionResponse {
    /// The id of the execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// The request of `Stop`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct StopExecutionRequest {
    /// The id of the execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// The response of `Stop`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct StopExecutionResponse {
    /// The id of the execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// The request of `Terminate`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TerminateExecutionRequest {
    /// The id of the execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// The response of `Terminate`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TerminateExecutionResponse {
    /// The id of the execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// The request of `Get`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct GetExecutionRequest {
    /// The id of the execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// The response of `Get`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetExecutionResponse {
    /// The execution.
    #[prost(message, optional, tag = "1")]
    pub execution: Option<Execution>,
}

/// The request of `GetHistory`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct GetExecutionHistoryRequest {
    /// The id of the execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// The response of `GetHistory`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct GetExecutionHistoryResponse {
    /// The execution without its data.
    #[prost(message, optional, tag = "1")]
    pub execution: Option<ExecutionPreview>,
    /// The steps, in order.
    #[prost(message, repeated, tag = "2")]
    pub entries: Vec<HistoryEntry>,
}

/// The request of `List`.
///
/// # Examples
///
/// All executions of a workflow, page by page:
///
/// ```
/// use tower::Layer;
/// use yandex_cloud_auth::testing::{FakeCloud, proto};
/// use yandex_cloud_auth::{AuthLayer, Credential};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let cloud = FakeCloud::start().await;
/// # let channel = tonic::transport::Endpoint::from_shared(cloud.grpc_url())?.connect_lazy();
/// # let auth = AuthLayer::new(Credential::api_key(cloud.api_key())?);
/// let mut client = proto::ExecutionServiceClient::new(auth.grpc().layer(channel));
/// for _ in 0..3 {
///     let workflow_id = "dfq0".to_owned();
///     client.start(proto::StartExecutionRequest { workflow_id, input: None }).await?;
/// }
///
/// let (mut executions, mut page_token) = (Vec::new(), String::new());
/// loop {
///     let response = client.list(proto::ListExecutionsRequest {
///         workflow_id: "dfq0".into(),
///         page_size: 2,
///         page_token,
///         ..Default::default()
///     });
///     let page = response.await?.into_inner();
///     executions.extend(page.executions);
///     page_token = page.next_page_token;
///     if page_token.is_empty() {
///         break;
///     }
/// }
/// assert_eq!(executions.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ListExecutionsRequest {
    /// The id of the workflow.
    #[prost(string, tag = "1")]
    pub workflow_id: String,
    /// The maximum number of items; 0 means 100.
    #[prost(int64, tag = "2")]
    pub page_size: i64,
    /// The `next_page_token` of the previous page; empty for the first page.
    #[prost(string, tag = "3")]
    pub page_token: String,
    /// A filter expression. The fake ignores it.
    #[prost(string, tag = "4")]
    pub filter: String,
}

/// The response of `List`: a page of executions.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ListExecutionsResponse {
    /// The executions, in the order of their start.
    #[prost(message, repeated, tag = "1")]
    pub executions: Vec<ExecutionPreview>,
    /// The token of the next page; empty on the last page.
    #[prost(string, tag = "2")]
    pub next_page_token: String,
}

/// One execution of a workflow.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Execution {
    /// The id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The id of its workflow.
    #[prost(string, tag = "2")]
    pub workflow_id: String,
    /// The input.
    #[prost(message, optional, tag = "4")]
    pub input: Option<ExecutionInput>,
    /// The result, once it is finished.
    #[prost(message, optional, tag = "5")]
    pub result: Option<ExecutionResult>,
    /// The error, once it has failed.
    #[prost(message, optional, tag = "6")]
    pub error: Option<ExecutionError>,
    /// The status.
    #[prost(enumeration = "ExecutionStatus", tag = "7")]
    pub status: i32,
    /// The time of its start.
    #[prost(message, optional, tag = "8")]
    pub started_at: Option<Timestamp>,
    /// The time from its start to its end.
    #[prost(message, optional, tag = "9")]
    pub duration: Option<Duration>,
}

/// An execution without its data.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ExecutionPreview {
    /// The id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The id of its workflow.
    #[prost(string, tag = "2")]
    pub workflow_id: String,
    /// The status.
    #[prost(enumeration = "ExecutionStatus", tag = "4")]
    pub status: i32,
    /// The time of its start.
    #[prost(message, optional, tag = "5")]
    pub started_at: Option<Timestamp>,
    /// The time from its start to its end.
    #[prost(message, optional, tag = "6")]
    pub duration: Option<Duration>,
}

/// The status of an execution, `Execution.Status`.
///
/// # Examples
///
/// Messages hold its number. A number that a newer server sends becomes `Unspecified`:
///
/// ```
/// use yandex_cloud_auth::testing::proto::{Execution, ExecutionStatus};
///
/// let mut execution = Execution { status: 6, ..Default::default() };
/// assert_eq!(execution.status(), ExecutionStatus::Finished);
/// execution.status = 100;
/// assert_eq!(execution.status(), ExecutionStatus::Unspecified);
/// execution.set_status(ExecutionStatus::Queued);
/// assert_eq!(execution.status, 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[non_exhaustive]
#[repr(i32)]
pub enum ExecutionStatus {
    /// The server sent no status.
    Unspecified = 0,
    /// It waits for its start.
    Queued = 1,
    /// It runs.
    Running = 2,
    /// It is paused.
    Paused = 3,
    /// It was stopped or terminated.
    Stopped = 4,
    /// It ended with an error.
    Failed = 5,
    /// It ended with a result.
    Finished = 6,
}

/// The input of an execution.
///
/// # Examples
///
/// The same input in both forms:
///
/// ```
/// use yandex_cloud_auth::testing::proto::{ExecutionInput, Kind, Value};
///
/// let text = ExecutionInput { input_json: Some("true".to_owned()), input_value: None };
/// let value = Value { kind: Some(Kind::Bool(true)) };
/// let value = ExecutionInput { input_json: None, input_value: Some(value) };
/// assert_eq!(text.input_json(), "true");
/// assert_eq!(value.input_json(), "");
/// ```
#[derive(Clone, PartialEq, prost::Message)]
pub struct ExecutionInput {
    /// The value as JSON text.
    #[prost(string, optional, tag = "1")]
    pub input_json: Option<String>,
    /// The value. A request has this or the text.
    #[prost(message, optional, tag = "2")]
    pub input_value: Option<Value>,
}

/// The result of an execution.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ExecutionResult {
    /// The value as JSON.
    #[prost(string, optional, tag = "1")]
    pub result_json: Option<String>,
}

/// The error of an execution.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ExecutionError {
    /// A description of the error.
    #[prost(string, tag = "1")]
    pub message: String,
    /// The code of the error.
    #[prost(string, tag = "2")]
    pub error_code: String,
}

/// One step of an execution.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct HistoryEntry {
    /// The id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The title.
    #[prost(string, tag = "2")]
    pub title: String,
    /// The time of its start.
    #[prost(message, optional, tag = "4")]
    pub started_at: Option<Timestamp>,
    /// The time from its start to its end.
    #[prost(message, optional, tag = "5")]
    pub duration: Option<Duration>,
    /// The status; 3 means completed.
    #[prost(int32, tag = "9")]
    pub status: i32,
    /// The type of the step.
    #[prost(string, tag = "10")]
    pub r#type: String,
}
