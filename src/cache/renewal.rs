//! Renewal ahead of time, for a service that sends no requests just then.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::state::{Lookup, State};
use crate::runtime::{Runtime, Task, timeout, timer};

/// The longest sleep. A timer stands still while the machine does, so the clocks are looked at in
/// between.
const MAX_SLEEP: Duration = Duration::from_secs(60);

/// Starts the timer of what is held now, where there is a runtime.
pub(super) fn start(state: &Arc<State>) -> Option<Task> {
    let (task, _) = Runtime::current()?.spawn(run(Arc::downgrade(state)));
    // A runtime that is shutting down took none.
    (!task.is_finished()).then_some(task)
}

/// Ends by itself when nothing valid is entry: then the next request fetches. Owns no cache.
async fn run(state: Weak<State>) {
    loop {
        let Some(idle) = state.upgrade().and_then(|state| state.next_wakeup()) else {
            return;
        };
        let Some(timer) = timer(idle.min(MAX_SLEEP)) else {
            return;
        };
        timer.await;
        let Some(found) = state.upgrade().map(|state| state.lookup()) else {
            return;
        };
        if let Lookup::Hit(_, Some(flight)) = found {
            timeout(MAX_SLEEP, flight).await;
        }
    }
}
