//! The JSON form of messages in REST: the JSON mapping of proto3.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::testing::cloud::state::expires_at::rfc3339;
use crate::testing::proto::{
    self, Execution, ExecutionPreview, ExecutionStatus, HistoryEntry, Timestamp, Workflow,
};

pub(crate) fn execution(execution: &Execution) -> Value {
    let input = execution
        .input
        .as_ref()
        .and_then(|input| input.input_json.as_deref());
    let result = execution
        .result
        .as_ref()
        .and_then(|result| result.result_json.as_deref());
    json!({
        "id": execution.id,
        "workflowId": execution.workflow_id,
        "input": input.map_or_else(|| json!({}), |text| json!({ "inputJson": text })),
        "result": result.map_or_else(|| json!({}), |text| json!({ "resultJson": text })),
        "status": status(execution.status()),
        "startedAt": time(execution.started_at),
        "duration": span(execution.duration),
    })
}

pub(crate) fn preview(execution: &ExecutionPreview) -> Value {
    json!({
        "id": execution.id,
        "workflowId": execution.workflow_id,
        "status": status(execution.status()),
        "startedAt": time(execution.started_at),
        "duration": span(execution.duration),
    })
}

pub(crate) fn history_entry(entry: &HistoryEntry) -> Value {
    json!({
        "id": entry.id,
        "title": entry.title,
        "startedAt": time(entry.started_at),
        "duration": span(entry.duration),
        "status": "COMPLETED",
        "type": entry.r#type,
        "attempts": "1",
    })
}

pub(crate) fn workflow(workflow: &Workflow) -> Value {
    json!({
        "id": workflow.id,
        "folderId": workflow.folder_id,
        "createdAt": time(workflow.created_at),
        "name": workflow.name,
        "description": workflow.description,
        "status": "ACTIVE",
    })
}

fn status(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Unspecified => "STATUS_UNSPECIFIED",
        ExecutionStatus::Queued => "QUEUED",
        ExecutionStatus::Running => "RUNNING",
        ExecutionStatus::Paused => "PAUSED",
        ExecutionStatus::Stopped => "STOPPED",
        ExecutionStatus::Failed => "FAILED",
        ExecutionStatus::Finished => "FINISHED",
    }
}

fn time(timestamp: Option<Timestamp>) -> String {
    let Timestamp { seconds, nanos } = timestamp.unwrap_or_default();
    rfc3339(
        UNIX_EPOCH + Duration::new(seconds.unsigned_abs(), nanos.unsigned_abs()),
        9,
    )
}

fn span(duration: Option<proto::Duration>) -> String {
    let proto::Duration { seconds, nanos } = duration.unwrap_or_default();
    format!("{seconds}.{:03}s", nanos / 1_000_000)
}
