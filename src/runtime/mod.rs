//! The async runtime, where there is one: tasks and timers. Without the feature `tokio` there is none.

#[cfg(any(
    feature = "file",
    feature = "service-account",
    feature = "workload-identity",
    feature = "hyper-client"
))]
mod blocking;
#[cfg(not(any(feature = "tokio", feature = "_shuttle")))]
mod none;
#[cfg(feature = "_shuttle")]
mod shuttle;
#[cfg(all(feature = "tokio", not(feature = "_shuttle")))]
mod tokio;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

#[cfg(any(
    feature = "file",
    feature = "service-account",
    feature = "workload-identity",
    feature = "hyper-client"
))]
pub(crate) use self::blocking::spawn_blocking;
#[cfg(not(any(feature = "tokio", feature = "_shuttle")))]
pub(crate) use self::none::{Runtime, Task, Timer, timer};
#[cfg(feature = "_shuttle")]
pub(crate) use self::shuttle::{Runtime, Task, Timer, timer};
#[cfg(all(test, feature = "_shuttle"))]
pub(crate) use self::shuttle::{abort_tasks, running_tasks, start};
#[cfg(all(feature = "tokio", not(feature = "_shuttle")))]
pub(crate) use self::tokio::{Runtime, Task, Timer, timer};

/// Returns the output of `future`, or `None` once `limit` has passed.
///
/// Where the runtime has no timers, or there is none, the limit is checked each time the future is
/// polled. A future that is polled on another runtime than before gets a timer there, since the
/// runtime of the first timer may stand still.
pub(crate) async fn timeout<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut deadline = Deadline::after(limit);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if deadline.has_passed(cx) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// A point in real time, watched by a timer where there is one.
struct Deadline {
    /// `None` if an `Instant` cannot represent it.
    at: Option<Instant>,
    timer: Option<Timer>,
}

impl Deadline {
    fn after(limit: Duration) -> Self {
        Self {
            at: Instant::now().checked_add(limit),
            timer: None,
        }
    }

    /// Whether it has passed. If not, the task is woken when it does.
    fn has_passed(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.at else {
            return false;
        };
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        if self.timer.as_ref().is_none_or(Timer::is_foreign) {
            self.timer = timer(left).or(self.timer.take());
        }
        self.timer
            .as_mut()
            .is_some_and(|timer| Pin::new(timer).poll(cx).is_ready())
    }
}
