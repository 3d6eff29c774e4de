//! One fetch that all waiters share and none of them owns.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use futures_util::task::AtomicWaker;

use super::slot::Entry;
use crate::error::ProviderError;
use crate::runtime::Task;

/// How a flight ended: what landed, or why nothing did. `None` where it was lost, and another is to
/// be started.
pub(crate) type Outcome = Option<Result<Arc<Entry>, ProviderError>>;

/// What a flight is granted beyond its deadline before it counts as lost: its own task keeps the
/// deadline, unless its runtime stands still.
const GRACE: Duration = Duration::from_secs(1);

/// A handle on the one fetch in flight. Clones are the same flight, and all get the same outcome.
#[derive(Clone)]
pub(crate) struct InFlight {
    pub(crate) number: u64,
    outcome: Shared<BoxFuture<'static, Outcome>>,
    ending: Arc<Ending>,
    /// When it was last polled, in microseconds from its start.
    polled: Arc<AtomicU64>,
    /// What drives it. Without a task, whoever polls does.
    task: Option<Task>,
    started: Instant,
}

/// An outcome given from outside, to whoever waits.
#[derive(Default)]
struct Ending {
    outcome: Mutex<Option<Outcome>>,
    waker: AtomicWaker,
}

impl InFlight {
    pub(crate) fn new(
        number: u64,
        task: Option<Task>,
        mut flying: BoxFuture<'static, Outcome>,
    ) -> Self {
        let ending = Arc::<Ending>::default();
        let ended = Arc::clone(&ending);
        let polled = Arc::<AtomicU64>::default();
        let (started, last_poll) = (Instant::now(), Arc::clone(&polled));
        let outcome = poll_fn(move |cx| {
            last_poll.store(micros(started.elapsed()), Ordering::Relaxed);
            ended.waker.register(cx.waker());
            match ended.take() {
                Some(outcome) => Poll::Ready(outcome),
                None => flying.as_mut().poll(cx),
            }
        });
        Self {
            number,
            outcome: outcome.boxed().shared(),
            ending,
            polled,
            task,
            started,
        }
    }

    /// Ends it with this outcome, if it is still under way. Everybody who waits for it gets that.
    pub(crate) fn end(&self, outcome: Outcome) {
        self.ending.put(outcome);
        self.abort();
    }

    /// Whether it makes no way unless it is polled.
    pub(crate) const fn is_driven_by_callers(&self) -> bool {
        self.task.is_none()
    }

    /// Whether its task is gone. What landed is no longer the cache's flight, so one that still is
    /// has lost its runtime.
    pub(crate) fn is_lost(&self) -> bool {
        self.task.as_ref().is_some_and(Task::is_finished)
    }

    /// Whether its own task, on the caller's runtime, sees to its deadline.
    pub(crate) fn keeps_its_deadline(&self) -> bool {
        self.task.as_ref().is_some_and(|task| !task.is_foreign())
    }

    /// How long it may still take, in real time, before it counts as lost: from its start, or from
    /// when a caller last drove it.
    pub(crate) fn left(&self, deadline: Duration) -> Duration {
        let elapsed = self.started.elapsed();
        if self.is_driven_by_callers() {
            let polled = Duration::from_micros(self.polled.load(Ordering::Relaxed));
            deadline.saturating_sub(elapsed.saturating_sub(polled))
        } else {
            deadline.saturating_add(GRACE).saturating_sub(elapsed)
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Ending {
    fn put(&self, outcome: Outcome) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.waker.wake();
    }

    fn take(&self) -> Option<Outcome> {
        self.outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Future for InFlight {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        Pin::new(&mut self.outcome).poll(cx)
    }
}
