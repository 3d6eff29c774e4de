//! The fetch in flight: its outcome, and the waiters to wake once there is one.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{self, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;

use super::entry::Entry;
use crate::error::ProviderError;
use crate::runtime::Task;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, MutexGuard};

/// How a fetch ended. `None` if it was abandoned: its waiters then join another.
pub(super) type Outcome = Option<Result<Arc<Entry>, ProviderError>>;

/// The time a task is given beyond the fetch timeout. The runtime of a task that takes longer is
/// not being polled.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// One fetch, shared by all its waiters.
///
/// No lock is locked while a waker is cloned, woken or dropped, nor while the fetch is polled: all
/// of that is foreign code, which may use this very cache.
pub(super) struct Fetch {
    pub(super) id: u64,
    pub(super) started_at: SystemTime,
    started: Instant,
    driver: Driver,
    progress: Mutex<Progress>,
    waiters: AtomicUsize,
    /// When it got a waiter after it had none, in microseconds from its start.
    driven_from: AtomicU64,
}

/// What polls the fetch.
pub(super) enum Driver {
    /// A task, set right after it was spawned.
    Task(OnceLock<Task>),
    /// The waiters, each time one is polled. `None` while one of them polls it, and once it ended.
    Waiters(Mutex<Option<BoxFuture<'static, ()>>>),
}

enum Progress {
    Pending(BTreeMap<u64, Waker>),
    Done(Outcome),
}

impl Fetch {
    pub(super) fn new(id: u64, started_at: SystemTime, driver: Driver) -> Self {
        Self {
            id,
            started_at,
            started: Instant::now(),
            driver,
            progress: Mutex::new(Progress::Pending(BTreeMap::new())),
            waiters: AtomicUsize::new(0),
            driven_from: AtomicU64::new(0),
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether it makes progress only while a waiter polls it.
    pub(super) const fn is_driven_by_waiters(&self) -> bool {
        matches!(self.driver, Driver::Waiters(_))
    }

    /// The time it may take from now on. A fetch that its waiters drive may have been left without
    /// any since it started, so its time counts from when it got one again.
    pub(super) fn time_left(&self, timeout: Duration) -> Duration {
        let driven_from = Duration::from_micros(self.driven_from.load(Ordering::Relaxed));
        timeout.saturating_sub(self.elapsed().saturating_sub(driven_from))
    }

    /// Whether nothing polls it any more: its runtime stands still, or its waiters are gone.
    pub(super) fn is_overdue(&self, timeout: Duration) -> bool {
        match self.driver {
            Driver::Task(_) => self.elapsed() > timeout.saturating_add(GRACE),
            Driver::Waiters(_) => {
                self.waiters.load(Ordering::Relaxed) == 0 && self.elapsed() > timeout
            }
        }
    }

    pub(super) fn set_task(&self, task: Task) {
        if let Driver::Task(cell) = &self.driver {
            // Set once, by the thread that spawned it.
            let _ = cell.set(task);
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(*self.progress(), Progress::Done(_))
    }

    /// Whether it ended without a result.
    pub(super) fn is_abandoned(&self) -> bool {
        matches!(*self.progress(), Progress::Done(None))
    }

    /// Sets the outcome and wakes the waiters. The first outcome stays.
    pub(super) fn finish(&self, outcome: Outcome) {
        let mut progress = self.progress();
        if let Progress::Done(_) = *progress {
            return;
        }
        let pending = std::mem::replace(&mut *progress, Progress::Done(outcome));
        drop(progress);
        if let Progress::Pending(wakers) = pending {
            wake_all(wakers);
        }
    }

    /// Abandons it: its waiters join another, and what polls it ends.
    pub(super) fn abandon(&self) {
        self.finish(None);
        match &self.driver {
            Driver::Task(task) => {
                if let Some(task) = task.get() {
                    task.abort();
                }
            }
            Driver::Waiters(cell) => take_and_drop(cell),
        }
    }

    /// Polls the fetch, unless a task or another waiter does.
    fn drive(self: &Arc<Self>) {
        let Driver::Waiters(cell) = &self.driver else {
            return;
        };
        let Some(mut future) = lock(cell).take() else {
            return;
        };
        let waker = Waker::from(Arc::clone(self));
        if future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
        {
            *lock(cell) = Some(future);
            if self.is_done() {
                // It was abandoned during the poll, when there was nothing to take.
                take_and_drop(cell);
            }
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }

    /// Returns the outcome, or registers the waker under `key`.
    fn poll(&self, key: u64, waker: &Waker) -> Poll<Outcome> {
        let waker = waker.clone();
        let mut progress = self.progress();
        let replaced = match &mut *progress {
            Progress::Done(outcome) => return Poll::Ready(outcome.clone()),
            Progress::Pending(wakers) => wakers.insert(key, waker),
        };
        drop(progress);
        drop(replaced);
        Poll::Pending
    }

    fn remove(&self, key: u64) -> Option<Waker> {
        match &mut *self.progress() {
            Progress::Pending(wakers) => wakers.remove(&key),
            Progress::Done(_) => None,
        }
    }
}

/// The fetch itself was woken: every waiter is, and the first one polled drives it on.
impl Wake for Fetch {
    fn wake(self: Arc<Self>) {
        let wakers = match &mut *self.progress() {
            Progress::Pending(wakers) => std::mem::take(wakers),
            Progress::Done(_) => return,
        };
        wake_all(wakers);
    }
}

/// A waiter of the fetch in flight: a future of its outcome.
pub(crate) struct InFlight {
    fetch: Arc<Fetch>,
    key: u64,
}

impl InFlight {
    pub(super) fn new(fetch: Arc<Fetch>) -> Self {
        static NEXT_KEY: atomic::AtomicU64 = atomic::AtomicU64::new(0);
        if fetch.waiters.fetch_add(1, Ordering::Relaxed) == 0 && fetch.is_driven_by_waiters() {
            let elapsed = u64::try_from(fetch.elapsed().as_micros()).unwrap_or(u64::MAX);
            fetch.driven_from.store(elapsed, Ordering::Relaxed);
        }
        let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
        Self { fetch, key }
    }

    pub(super) fn fetch(&self) -> &Arc<Fetch> {
        &self.fetch
    }
}

impl Future for InFlight {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        if let Poll::Ready(outcome) = self.fetch.poll(self.key, cx.waker()) {
            return Poll::Ready(outcome);
        }
        self.fetch.drive();
        if self.fetch.is_driven_by_waiters() && self.fetch.is_done() {
            return self.fetch.poll(self.key, cx.waker());
        }
        Poll::Pending
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.fetch.waiters.fetch_sub(1, Ordering::Relaxed);
        let registered = self.fetch.remove(self.key).is_some();
        if !registered && self.fetch.is_driven_by_waiters() {
            // It was woken and goes without having polled the fetch: another waiter must.
            Arc::clone(&self.fetch).wake();
        }
    }
}

/// Wakes them all, also where one of them panics.
fn wake_all(wakers: BTreeMap<u64, Waker>) {
    for waker in wakers.into_values() {
        let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
    }
}

/// Drops the future after its lock is released.
fn take_and_drop(cell: &Mutex<Option<BoxFuture<'static, ()>>>) {
    let future = lock(cell).take();
    drop(future);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_without_waiters_does_not_count() {
        const HOUR: Duration = Duration::from_secs(3600);
        let driver = Driver::Waiters(Mutex::new(None));
        let fetch = Arc::new(Fetch::new(1, SystemTime::UNIX_EPOCH, driver));
        drop(InFlight::new(Arc::clone(&fetch)));
        std::thread::sleep(Duration::from_millis(50));
        let before = fetch.elapsed();
        let _waiter = InFlight::new(Arc::clone(&fetch));
        let left = fetch.time_left(HOUR);
        let since = fetch.elapsed() - before;
        assert!(left + since >= HOUR - Duration::from_micros(1), "{left:?}");
    }
}
