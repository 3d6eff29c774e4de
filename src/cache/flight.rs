//! One fetch that all waiters share and none of them owns.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use super::slot::Held;
use crate::provider::ProviderError;
use crate::runtime::Task;

/// How a flight ended: what landed, or why nothing did. `None` where its runtime died under it.
pub(crate) type Outcome = Option<Result<Arc<Held>, ProviderError>>;

/// A handle on the one fetch in flight. Clones are the same flight, and all get the same outcome.
#[derive(Clone)]
pub(crate) struct Flight {
    pub(crate) number: u64,
    outcome: Shared<BoxFuture<'static, Outcome>>,
    /// What drives it. Without a task, whoever polls does.
    task: Option<Task>,
    started: Instant,
}

impl Flight {
    pub(crate) fn new(number: u64, task: Option<Task>, outcome: BoxFuture<'static, Outcome>) -> Self {
        Self { number, outcome: outcome.shared(), task, started: Instant::now() }
    }

    /// Whether it makes no way unless it is polled.
    pub(crate) const fn is_driven_by_callers(&self) -> bool {
        self.task.is_none()
    }

    /// Whether its task is gone. What landed is no longer the cache's flight, so one that still is has lost its runtime.
    pub(crate) fn is_lost(&self) -> bool {
        self.task.as_ref().is_some_and(Task::is_finished)
    }

    /// Whether it depends on another runtime than the caller's, which may stand still for good.
    pub(crate) fn is_foreign(&self) -> bool {
        self.task.as_ref().is_some_and(Task::is_foreign)
    }

    /// For how long it has been under way, in real time.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Future for Flight {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        Pin::new(&mut self.outcome).poll(cx)
    }
}
