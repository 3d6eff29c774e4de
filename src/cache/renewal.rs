//! Renewal ahead of time, for a service that sends no requests just then.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::state::{Consulted, State};
use crate::runtime::{Runtime, Task, timer, within};

/// The longest sleep. A timer stands still while the machine does, so the clocks are looked at in
/// between.
const MAX_NAP: Duration = Duration::from_secs(60);

/// Starts the timer of what is held now, where there is a runtime.
pub(super) fn start(state: &Arc<State>) -> Option<Task> {
    let (task, _) = Runtime::current()?.spawn(run(Arc::downgrade(state)));
    // A runtime that is shutting down took none.
    (!task.is_finished()).then_some(task)
}

/// Ends by itself when nothing valid is held: then the next request fetches. Owns no cache.
async fn run(state: Weak<State>) {
    loop {
        let Some(idle) = state.upgrade().and_then(|state| state.idle_for()) else {
            return;
        };
        let Some(timer) = timer(idle.min(MAX_NAP)) else {
            return;
        };
        timer.await;
        let Some(consulted) = state.upgrade().map(|state| state.consult()) else {
            return;
        };
        if let Consulted::Held(_, Some(flight)) = consulted {
            within(MAX_NAP, flight).await;
        }
    }
}
