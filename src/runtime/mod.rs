//! The async runtime, where there is one: tasks and timers. Without the feature `tokio` there never
//! is.

#[cfg(feature = "tokio")]
pub(crate) use self::with_tokio::{Runtime, Task, timer};
#[cfg(not(feature = "tokio"))]
pub(crate) use self::without::{Runtime, Task, timer};

#[cfg(any(
    feature = "service-account",
    feature = "workload-identity",
    feature = "hyper-client"
))]
mod blocking;

#[cfg(any(
    feature = "service-account",
    feature = "workload-identity",
    feature = "hyper-client"
))]
pub(crate) use self::blocking::spawn_blocking;

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

/// The output of `future`, or `None` once `limit` has passed. Without timers there is no limit.
pub(crate) async fn timeout<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let Some(limit) = timer(limit) else {
        return Some(future.await);
    };
    match select(pin!(future), pin!(limit)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

#[cfg(feature = "tokio")]
mod with_tokio {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use tokio::runtime::{Handle, Id};
    use tokio::task::AbortHandle;
    use tokio::time::Sleep;

    use futures_util::future::BoxFuture;

    /// The runtime that the caller runs on.
    pub(crate) struct Runtime(Handle);

    impl Runtime {
        pub(crate) fn current() -> Option<Self> {
            Handle::try_current().ok().map(Self)
        }

        /// Runs `future` detached. The future returned yields its output, or `None` where the
        /// runtime died under it.
        pub(crate) fn spawn<T: Send + 'static>(
            &self,
            future: impl Future<Output = T> + Send + 'static,
        ) -> (Task, BoxFuture<'static, Option<T>>) {
            let join = self.0.spawn(future);
            let task = Task {
                handle: join.abort_handle(),
                runtime: self.0.id(),
            };
            (task, Box::pin(async move { join.await.ok() }))
        }
    }

    /// A spawned task. Goes on when this is dropped.
    #[derive(Clone)]
    pub(crate) struct Task {
        handle: AbortHandle,
        runtime: Id,
    }

    impl Task {
        pub(crate) fn abort(&self) {
            self.handle.abort();
        }

        pub(crate) fn is_finished(&self) -> bool {
            self.handle.is_finished()
        }

        /// Whether it runs elsewhere than the caller.
        pub(crate) fn is_foreign(&self) -> bool {
            Handle::try_current()
                .ok()
                .is_none_or(|current| current.id() != self.runtime)
        }
    }

    /// A timer of the current runtime, if it has any.
    pub(crate) fn timer(duration: Duration) -> Option<Timer> {
        Handle::try_current().ok()?;
        // A runtime built without timers can be told by this panic only.
        catch_unwind(|| tokio::time::sleep(duration))
            .ok()
            .map(|sleep| Timer(Box::pin(sleep)))
    }

    /// A timer that never fires where its runtime died under it.
    pub(crate) struct Timer(Pin<Box<Sleep>>);

    impl Future for Timer {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            // Tokio's panics then.
            catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx))).unwrap_or(Poll::Pending)
        }
    }
}

#[cfg(not(feature = "tokio"))]
mod without {
    use std::convert::Infallible;
    use std::future::Pending;
    use std::time::Duration;

    use futures_util::future::BoxFuture;

    pub(crate) struct Runtime(Infallible);

    impl Runtime {
        pub(crate) const fn current() -> Option<Self> {
            None
        }

        pub(crate) fn spawn<T: Send + 'static>(
            &self,
            _: impl Future<Output = T> + Send + 'static,
        ) -> (Task, BoxFuture<'static, Option<T>>) {
            match self.0 {}
        }
    }

    #[derive(Clone)]
    pub(crate) struct Task(Infallible);

    impl Task {
        pub(crate) fn abort(&self) {
            match self.0 {}
        }

        pub(crate) fn is_finished(&self) -> bool {
            match self.0 {}
        }

        pub(crate) fn is_foreign(&self) -> bool {
            match self.0 {}
        }
    }

    pub(crate) const fn timer(_: Duration) -> Option<Pending<()>> {
        None
    }
}
