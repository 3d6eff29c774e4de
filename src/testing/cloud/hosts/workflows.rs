//! Workflows and their executions. An execution finishes at once and returns its input.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::testing::cloud::state::random;
use crate::testing::cloud::wire::status::ErrorStatus;
use crate::testing::proto::{
    Duration, Execution, ExecutionInput, ExecutionPreview, ExecutionResult, ExecutionStatus,
    HistoryEntry, Timestamp, Workflow,
};

const ACTIVE: i32 = 2;
const COMPLETED: i32 = 3;
const DEFAULT_PAGE: i64 = 100;

/// Every workflow id is valid: a workflow is created when a request first names it.
#[derive(Default)]
pub(crate) struct Workflows {
    executions: Vec<Execution>,
    workflows: BTreeMap<String, Workflow>,
    public: BTreeSet<String>,
}

/// A page of a list, and the token of the next page, which is empty on the last page.
pub(crate) type Page<T> = (Vec<T>, String);

impl Workflows {
    pub(crate) fn start(
        &mut self,
        workflow_id: &str,
        input_json: Option<String>,
        now: SystemTime,
    ) -> Result<String, ErrorStatus> {
        self.workflow(workflow_id, now)?;
        let execution = Execution {
            id: random::id("dfe"),
            workflow_id: workflow_id.to_owned(),
            result: Some(ExecutionResult {
                result_json: Some(input_json.clone().unwrap_or_else(|| "{}".to_owned())),
            }),
            input: Some(ExecutionInput {
                input_json,
                input_value: None,
            }),
            error: None,
            status: ExecutionStatus::Finished.into(),
            started_at: Some(timestamp(now)),
            duration: Some(Duration {
                seconds: 0,
                nanos: 1_000_000,
            }),
        };
        let id = execution.id.clone();
        self.executions.push(execution);
        Ok(id)
    }

    /// Stops or terminates an execution. A finished execution also becomes stopped, so that a test
    /// can observe the request.
    pub(crate) fn stop(&mut self, id: &str) -> Result<String, ErrorStatus> {
        let execution = self
            .executions
            .iter_mut()
            .find(|execution| execution.id == id)
            .ok_or_else(no_execution)?;
        execution.set_status(ExecutionStatus::Stopped);
        Ok(execution.id.clone())
    }

    pub(crate) fn execution(&self, id: &str) -> Result<&Execution, ErrorStatus> {
        self.executions
            .iter()
            .find(|execution| execution.id == id)
            .ok_or_else(no_execution)
    }

    pub(crate) fn history(
        &self,
        id: &str,
    ) -> Result<(ExecutionPreview, HistoryEntry), ErrorStatus> {
        let execution = self.execution(id)?;
        let step = HistoryEntry {
            id: "1".to_owned(),
            title: "echo".to_owned(),
            started_at: execution.started_at,
            duration: execution.duration,
            status: COMPLETED,
            r#type: "NoOp".to_owned(),
        };
        Ok((preview(execution), step))
    }

    pub(crate) fn executions(
        &self,
        workflow_id: &str,
        size: i64,
        token: &str,
    ) -> Result<Page<ExecutionPreview>, ErrorStatus> {
        require("workflow_id", workflow_id)?;
        let all = self
            .executions
            .iter()
            .filter(|execution| execution.workflow_id == workflow_id);
        page(all.map(preview), size, token)
    }

    pub(crate) fn workflow(
        &mut self,
        id: &str,
        now: SystemTime,
    ) -> Result<&mut Workflow, ErrorStatus> {
        require("workflow_id", id)?;
        Ok(self
            .workflows
            .entry(id.to_owned())
            .or_insert_with(|| Workflow {
                id: id.to_owned(),
                folder_id: String::new(),
                created_at: Some(timestamp(now)),
                name: format!("workflow-{id}"),
                description: String::new(),
                status: ACTIVE,
            }))
    }

    pub(crate) fn create(
        &mut self,
        folder_id: &str,
        now: SystemTime,
    ) -> Result<&mut Workflow, ErrorStatus> {
        require("folder_id", folder_id)?;
        let workflow = self.workflow(&random::id("dfq"), now)?;
        folder_id.clone_into(&mut workflow.folder_id);
        Ok(workflow)
    }

    pub(crate) fn delete(&mut self, id: &str) {
        self.workflows.remove(id);
    }

    /// The workflows of a folder. A workflow without a folder belongs to all folders.
    pub(crate) fn workflows(
        &self,
        folder_id: &str,
        size: i64,
        token: &str,
    ) -> Result<Page<Workflow>, ErrorStatus> {
        require("folder_id", folder_id)?;
        let all = self.workflows.values();
        page(
            all.filter(|workflow| ["", folder_id].contains(&workflow.folder_id.as_str()))
                .cloned(),
            size,
            token,
        )
    }

    pub(crate) fn is_public(&self, id: &str) -> bool {
        self.public.contains(id)
    }

    pub(crate) fn publish(&mut self, id: &str) {
        self.public.insert(id.to_owned());
    }
}

fn no_execution() -> ErrorStatus {
    ErrorStatus::not_found("Execution was not found")
}

fn require(name: &'static str, value: &str) -> Result<(), ErrorStatus> {
    if value.is_empty() {
        Err(ErrorStatus::invalid(format!("{name}: field is required")))
    } else {
        Ok(())
    }
}

fn preview(execution: &Execution) -> ExecutionPreview {
    ExecutionPreview {
        id: execution.id.clone(),
        workflow_id: execution.workflow_id.clone(),
        status: execution.status,
        started_at: execution.started_at,
        duration: execution.duration,
    }
}

/// A page of `items`. The page token is the index of its first item.
fn page<T>(items: impl Iterator<Item = T>, size: i64, token: &str) -> Result<Page<T>, ErrorStatus> {
    let size = usize::try_from(if size == 0 { DEFAULT_PAGE } else { size });
    let start = if token.is_empty() {
        Ok(0)
    } else {
        token.parse()
    };
    let (Ok(size), Ok(start)) = (size, start) else {
        return Err(ErrorStatus::invalid("page_size or page_token is wrong"));
    };
    let mut rest = items.skip(start);
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let next = rest.next().map(|_| (start + page.len()).to_string());
    Ok((page, next.unwrap_or_default()))
}

pub(crate) fn timestamp(time: SystemTime) -> Timestamp {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp {
        seconds: i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since_epoch.subsec_nanos()).unwrap_or_default(),
    }
}
