//! The messages of `WorkflowService`.

use super::Timestamp;

/// Asks for a new workflow.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct CreateWorkflowRequest {
    /// The folder to put it in.
    #[prost(string, tag = "1")]
    pub folder_id: String,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Its description.
    #[prost(string, tag = "3")]
    pub description: String,
}

/// What is done about a workflow, `yandex.cloud.operation.Operation`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Operation {
    /// Its id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// What is done.
    #[prost(string, tag = "2")]
    pub description: String,
    /// Whether it is done already.
    #[prost(bool, tag = "6")]
    pub done: bool,
}

/// Asks for a workflow.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct GetWorkflowRequest {
    /// The workflow.
    #[prost(string, tag = "1")]
    pub workflow_id: String,
}

/// Carries the workflow asked for.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct GetWorkflowResponse {
    /// The workflow.
    #[prost(message, optional, tag = "1")]
    pub workflow: Option<Workflow>,
}

/// Asks for the workflows of a folder.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ListWorkflowsRequest {
    /// The folder.
    #[prost(string, tag = "1")]
    pub folder_id: String,
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

/// Carries a page of workflows.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ListWorkflowsResponse {
    /// The workflows, by id.
    #[prost(message, repeated, tag = "1")]
    pub workflows: Vec<WorkflowPreview>,
    /// Asks for the next page; empty on the last.
    #[prost(string, tag = "2")]
    pub next_page_token: String,
}

/// A workflow.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Workflow {
    /// Its id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The folder it is in.
    #[prost(string, tag = "2")]
    pub folder_id: String,
    /// When it was created.
    #[prost(message, optional, tag = "4")]
    pub created_at: Option<Timestamp>,
    /// Its name.
    #[prost(string, tag = "5")]
    pub name: String,
    /// Its description.
    #[prost(string, tag = "6")]
    pub description: String,
    /// What state it is in: 2 is active.
    #[prost(int32, tag = "8")]
    pub status: i32,
}

/// A workflow without its specification.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct WorkflowPreview {
    /// Its id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The folder it is in.
    #[prost(string, tag = "2")]
    pub folder_id: String,
    /// When it was created.
    #[prost(message, optional, tag = "3")]
    pub created_at: Option<Timestamp>,
    /// Its name.
    #[prost(string, tag = "4")]
    pub name: String,
    /// Its description.
    #[prost(string, tag = "5")]
    pub description: String,
    /// What state it is in: 2 is active.
    #[prost(int32, tag = "7")]
    pub status: i32,
}
