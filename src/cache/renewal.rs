//! The timer that renews ahead of time, for a service that sends no requests just then.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::state::State;
use crate::runtime::{Runtime, timeout, timer};

/// The longest sleep. A timer stands still while the machine does, so the clocks are read in
/// between.
const MAX_SLEEP: Duration = Duration::from_secs(60);

/// Starts the timer unless it runs.
pub(super) fn ensure(state: &Arc<State>) {
    if !state.has_timer.load(Ordering::Relaxed) {
        restart(state);
    }
}

/// Replaces the timer by one on the current runtime, if there is one that has timers.
pub(super) fn restart(state: &Arc<State>) {
    let Some(runtime) = Runtime::current() else {
        return;
    };
    if timer(Duration::ZERO).is_none() {
        // A timer that runs elsewhere stays.
        return;
    }
    state.has_timer.store(true, Ordering::Relaxed);
    let id = state.lock().timer.next_id();
    let guard = LostOnDrop {
        state: Arc::downgrade(state),
        id,
        is_armed: true,
    };
    let task = runtime.spawn(run(guard));
    if task.is_finished() {
        // It had nothing to do, or a runtime that shuts down dropped it at once. A timer that runs
        // elsewhere stays.
        return;
    }
    let superseded = state.lock().timer.install(id, task);
    if let Some(task) = superseded {
        task.abort();
    }
}

/// Ends when no time will come at which there is something to do. Owns no cache.
async fn run(mut guard: LostOnDrop) {
    while let Some(wakeup) = guard.state.upgrade().and_then(|state| state.next_wakeup()) {
        let Some(timer) = timer(wakeup.min(MAX_SLEEP)) else {
            break;
        };
        timer.await;
        let Some(state) = guard.state.upgrade() else {
            break;
        };
        state.report_expiry();
        let in_flight = state.fetch_if_needed();
        // Not held while it waits: the last handle may be dropped meanwhile.
        drop(state);
        if let Some(in_flight) = in_flight {
            timeout(MAX_SLEEP, in_flight).await;
        }
    }
    guard.is_armed = false;
    if let Some(state) = guard.state.upgrade() {
        // A drop restarts it.
        state.has_timer.store(false, Ordering::Relaxed);
    }
}

/// Notices that the runtime dropped the timer. Requests then look up the cache, where the next one
/// restarts it.
struct LostOnDrop {
    state: Weak<State>,
    id: u64,
    is_armed: bool,
}

impl Drop for LostOnDrop {
    fn drop(&mut self) {
        let Some(state) = self.state.upgrade().filter(|_| self.is_armed) else {
            return;
        };
        let mut shared = state.lock();
        if shared.timer.lose(self.id) {
            state.has_timer.store(false, Ordering::Relaxed);
            state.slot.publish_next_lookup(0);
        }
    }
}
