//! Tasks and timers of tokio.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::task::AbortHandle;
use tokio::time::Sleep;

/// The runtime that the caller runs on.
pub(crate) struct Runtime(Handle);

impl Runtime {
    pub(crate) fn current() -> Option<Self> {
        Handle::try_current().ok().map(Self)
    }

    /// Runs `future` detached. A runtime that shuts down drops it, at once or later.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Task {
        Task(self.0.spawn(future).abort_handle())
    }
}

/// A spawned task. It goes on when this is dropped.
pub(crate) struct Task(AbortHandle);

impl Task {
    pub(crate) fn abort(&self) {
        self.0.abort();
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

/// A timer of one runtime. It never fires if that runtime is gone.
pub(crate) struct Timer {
    sleep: Pin<Box<Sleep>>,
    runtime: Id,
}

impl Timer {
    /// Whether the caller runs on another runtime.
    pub(crate) fn is_foreign(&self) -> bool {
        Handle::try_current().is_ok_and(|current| current.id() != self.runtime)
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Tokio panics if the runtime is gone.
        let poll = || self.sleep.as_mut().poll(cx);
        catch_unwind(AssertUnwindSafe(poll)).unwrap_or(Poll::Pending)
    }
}

thread_local! {
    /// The last runtime of this thread that had no timers.
    static WITHOUT_TIMERS: Cell<Option<Id>> = const { Cell::new(None) };
}

/// Returns a timer of the current runtime. `None` if there is no runtime, or one without timers.
pub(crate) fn timer(duration: Duration) -> Option<Timer> {
    let runtime = Handle::try_current().ok()?.id();
    if WITHOUT_TIMERS.get() == Some(runtime) {
        return None;
    }
    // Tokio reports a runtime without timers by a panic only, which runs the panic hook.
    match catch_unwind(|| tokio::time::sleep(duration)) {
        Ok(sleep) => Some(Timer {
            sleep: Box::pin(sleep),
            runtime,
        }),
        Err(_) => {
            WITHOUT_TIMERS.set(Some(runtime));
            None
        }
    }
}
