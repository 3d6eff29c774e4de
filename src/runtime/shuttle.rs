//! Tasks and timers of the model checker shuttle, for tests that explore schedules.
//!
//! A test says per run whether there is a runtime and how many timers fire. Each of those fires at
//! some time: whenever the scheduler runs it.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use shuttle::future::{AbortHandle, JoinHandle, spawn, yield_now};

thread_local! {
    /// All threads of a run are on one thread of the system.
    static HAS_RUNTIME: Cell<bool> = const { Cell::new(false) };
    static TIMERS: Cell<usize> = const { Cell::new(0) };
    static TASKS: RefCell<Vec<AbortHandle>> = const { RefCell::new(vec![]) };
}

pub(crate) struct Runtime(());

impl Runtime {
    pub(crate) fn current() -> Option<Self> {
        HAS_RUNTIME.get().then_some(Self(()))
    }

    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Task {
        let task = spawn(future).abort_handle();
        TASKS.with_borrow_mut(|tasks| tasks.push(task.clone()));
        Task(task)
    }
}

/// Starts a run: without a runtime, or with one of which so many timers fire.
#[cfg(test)]
pub(crate) fn start(timers: Option<usize>) {
    HAS_RUNTIME.set(timers.is_some());
    TIMERS.set(timers.unwrap_or(0));
    TASKS.take();
}

/// Drops the tasks spawned so far, as a runtime does that shuts down.
#[cfg(test)]
pub(crate) fn abort_tasks() {
    let tasks = TASKS.with_borrow(Clone::clone);
    tasks.iter().for_each(AbortHandle::abort);
}

/// The number of tasks that have not ended.
#[cfg(test)]
pub(crate) fn running_tasks() -> usize {
    let is_running = |task: &&AbortHandle| !task.is_finished();
    TASKS.with_borrow(|tasks| tasks.iter().filter(is_running).count())
}

pub(crate) struct Task(AbortHandle);

impl Task {
    pub(crate) fn abort(&self) {
        self.0.abort();
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

/// Pending without an end where no more timers fire.
#[derive(Default)]
pub(crate) struct Timer(Option<JoinHandle<()>>);

impl Timer {
    pub(crate) fn is_foreign(&self) -> bool {
        false
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.is_none() {
            let Some(left) = TIMERS.get().checked_sub(1) else {
                return Poll::Pending;
            };
            TIMERS.set(left);
            self.0 = Some(spawn(yield_now()));
        }
        match &mut self.0 {
            Some(task) => Pin::new(task).poll(cx).map(drop),
            None => Poll::Pending,
        }
    }
}

pub(crate) fn timer(_: Duration) -> Option<Timer> {
    Runtime::current().map(|_| Timer::default())
}
