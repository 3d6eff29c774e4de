//! Caches by number, for response futures: a number costs them nothing, a counted reference would
//! on every request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::state::State;

/// The number that no cache has.
pub(crate) const NOBODY: u32 = 0;

static NEXT: AtomicU32 = AtomicU32::new(1);
static CACHES: Mutex<BTreeMap<u32, Weak<State>>> = Mutex::new(BTreeMap::new());

/// A number never given before in this process. When they run out, [`NOBODY`]: such a cache is not
/// told of refusals.
pub(super) fn next_number() -> u32 {
    NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
        next.checked_add(1)
    })
    .unwrap_or(NOBODY)
}

pub(super) fn register(number: u32, state: &Arc<State>) {
    if number != NOBODY {
        caches().insert(number, Arc::downgrade(state));
    }
}

pub(super) fn unregister(number: u32) {
    caches().remove(&number);
}

/// The cache of that number, if it still lives.
pub(super) fn find(number: u32) -> Option<Arc<State>> {
    caches().get(&number)?.upgrade()
}

fn caches() -> MutexGuard<'static, BTreeMap<u32, Weak<State>>> {
    CACHES.lock().unwrap_or_else(PoisonError::into_inner)
}
