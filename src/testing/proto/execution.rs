//! The messages of `ExecutionService`.

use super::{Duration, Timestamp};

/// Asks for a new execution.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct StartExecutionRequest {
    /// The workflow to execute.
    #[prost(string, tag = "1")]
    pub workflow_id: String,
    /// What it works on.
    #[prost(message, optional, tag = "3")]
    pub input: Option<ExecutionInput>,
}

/// Names the execution that was started.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct StartExecutionResponse {
    /// The execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// Asks an execution to stop after its present step.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct StopExecutionRequest {
    /// The execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// Names the execution that was stopped.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct StopExecutionResponse {
    /// The execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// Asks an execution to stop at once.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TerminateExecutionRequest {
    /// The execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// Names the execution that was terminated.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TerminateExecutionResponse {
    /// The execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// Asks for an execution.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct GetExecutionRequest {
    /// The execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// Carries the execution asked for.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct GetExecutionResponse {
    /// The execution.
    #[prost(message, optional, tag = "1")]
    pub execution: Option<Execution>,
}

/// Asks for the steps of an execution.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct GetExecutionHistoryRequest {
    /// The execution.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// Carries the steps of an execution.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct GetExecutionHistoryResponse {
    /// The execution, in short.
    #[prost(message, optional, tag = "1")]
    pub execution: Option<ExecutionPreview>,
    /// Its steps, in order.
    #[prost(message, repeated, tag = "2")]
    pub entries: Vec<HistoryEntry>,
}

/// Asks for the executions of a workflow.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ListExecutionsRequest {
    /// The workflow.
    #[prost(string, tag = "1")]
    pub workflow_id: String,
    /// How many at most; 0 for the default of 100.
    #[prost(int64, tag = "2")]
    pub page_size: i64,
    /// The `next_page_token` of the page before, empty for the first.
    #[prost(string, tag = "3")]
    pub page_token: String,
    /// A filter expression. The fake does not look at it.
    #[prost(string, tag = "4")]
    pub filter: String,
}

/// Carries a page of executions.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ListExecutionsResponse {
    /// The executions, in the order they were started.
    #[prost(message, repeated, tag = "1")]
    pub executions: Vec<ExecutionPreview>,
    /// Asks for the next page; empty on the last.
    #[prost(string, tag = "2")]
    pub next_page_token: String,
}

/// One execution of a workflow.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Execution {
    /// Its id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The workflow it executes.
    #[prost(string, tag = "2")]
    pub workflow_id: String,
    /// What it was started with.
    #[prost(message, optional, tag = "4")]
    pub input: Option<ExecutionInput>,
    /// What came of it.
    #[prost(message, optional, tag = "5")]
    pub result: Option<ExecutionResult>,
    /// Why it failed.
    #[prost(message, optional, tag = "6")]
    pub error: Option<ExecutionError>,
    /// How far it is.
    #[prost(enumeration = "ExecutionStatus", tag = "7")]
    pub status: i32,
    /// When it was started.
    #[prost(message, optional, tag = "8")]
    pub started_at: Option<Timestamp>,
    /// How long it took.
    #[prost(message, optional, tag = "9")]
    pub duration: Option<Duration>,
}

/// An execution without its data.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ExecutionPreview {
    /// Its id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The workflow it executes.
    #[prost(string, tag = "2")]
    pub workflow_id: String,
    /// How far it is.
    #[prost(enumeration = "ExecutionStatus", tag = "4")]
    pub status: i32,
    /// When it was started.
    #[prost(message, optional, tag = "5")]
    pub started_at: Option<Timestamp>,
    /// How long it took.
    #[prost(message, optional, tag = "6")]
    pub duration: Option<Duration>,
}

/// How far an execution is, `Execution.Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[non_exhaustive]
#[repr(i32)]
pub enum ExecutionStatus {
    /// Not said.
    Unspecified = 0,
    /// Waits to be run.
    Queued = 1,
    /// Is being run.
    Running = 2,
    /// It is paused.
    Paused = 3,
    /// Was stopped or terminated.
    Stopped = 4,
    /// Ended with an error.
    Failed = 5,
    /// Ended with a result.
    Finished = 6,
}

/// What an execution works on.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ExecutionInput {
    /// A JSON text.
    #[prost(string, optional, tag = "1")]
    pub input_json: Option<String>,
}

/// What came of an execution.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ExecutionResult {
    /// A JSON text.
    #[prost(string, optional, tag = "1")]
    pub result_json: Option<String>,
}

/// Why an execution failed.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ExecutionError {
    /// In words.
    #[prost(string, tag = "1")]
    pub message: String,
    /// For programs.
    #[prost(string, tag = "2")]
    pub error_code: String,
}

/// One step of an execution.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct HistoryEntry {
    /// Its id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Its title.
    #[prost(string, tag = "2")]
    pub title: String,
    /// When it was started.
    #[prost(message, optional, tag = "4")]
    pub started_at: Option<Timestamp>,
    /// How long it took.
    #[prost(message, optional, tag = "5")]
    pub duration: Option<Duration>,
    /// How far it is: 3 is completed.
    #[prost(int32, tag = "9")]
    pub status: i32,
    /// What kind of step it is.
    #[prost(string, tag = "10")]
    pub r#type: String,
}
