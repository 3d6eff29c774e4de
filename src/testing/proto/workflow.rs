//! The messages of `WorkflowService`.

use crate::testing::proto::time::Timestamp;

/// The request of `Create`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct CreateWorkflowRequest {
    /// The id of its folder.
    #[prost(string, tag = "1")]
    pub folder_id: String,
    /// The name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// The description.
    #[prost(string, tag = "3")]
    pub description: String,
}

/// A change of a workflow, `yandex.cloud.operation.Operation`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Operation {
    /// The id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// A description of the change.
    #[prost(string, tag = "2")]
    pub description: String,
    /// Whether the change is complete.
    #[prost(bool, tag = "6")]
    pub done: bool,
}

/// The request of `Get`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct GetWorkflowRequest {
    /// The id of the workflow.
    #[prost(string, tag = "1")]
    pub workflow_id: String,
}

/// The response of `Get`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct GetWorkflowResponse {
    /// The workflow.
    #[prost(message, optional, tag = "1")]
    pub workflow: Option<Workflow>,
}

/// The request of `List`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ListWorkflowsRequest {
    /// The id of the folder.
    #[prost(string, tag = "1")]
    pub folder_id: String,
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

/// The response of `List`: a page of workflows.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ListWorkflowsResponse {
    /// The workflows, sorted by id.
    #[prost(message, repeated, tag = "1")]
    pub workflows: Vec<WorkflowPreview>,
    /// The token of the next page; empty on the last page.
    #[prost(string, tag = "2")]
    pub next_page_token: String,
}

/// A workflow.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Workflow {
    /// The id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The id of its folder.
    #[prost(string, tag = "2")]
    pub folder_id: String,
    /// The time of its creation.
    #[prost(message, optional, tag = "4")]
    pub created_at: Option<Timestamp>,
    /// The name.
    #[prost(string, tag = "5")]
    pub name: String,
    /// The description.
    #[prost(string, tag = "6")]
    pub description: String,
    /// The status; 2 means active.
    #[prost(int32, tag = "8")]
    pub status: i32,
}

/// A workflow without its specification.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct WorkflowPreview {
    /// The id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The id of its folder.
    #[prost(string, tag = "2")]
    pub folder_id: String,
    /// The time of its creation.
    #[prost(message, optional, tag = "3")]
    pub created_at: Option<Timestamp>,
    /// The name.
    #[prost(string, tag = "4")]
    pub name: String,
    /// The description.
    #[prost(string, tag = "5")]
    pub description: String,
    /// The status; 2 means active.
    #[prost(int32, tag = "7")]
    pub status: i32,
}
