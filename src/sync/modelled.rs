//! What stands in for `arc-swap`, which no model checker knows.

use std::sync::{Arc, PoisonError};

use arc_swap::Guard;

use super::{Mutex, MutexGuard};

/// Each access is one step of a schedule.
pub(crate) struct ArcSwapOption<T>(Mutex<Option<Arc<T>>>);

impl<T> ArcSwapOption<T> {
    pub(crate) fn empty() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn load(&self) -> Guard<Option<Arc<T>>> {
        Guard::from_inner(self.load_full())
    }

    pub(crate) fn load_full(&self) -> Option<Arc<T>> {
        self.lock().clone()
    }

    pub(crate) fn store(&self, value: Option<Arc<T>>) {
        let replaced = std::mem::replace(&mut *self.lock(), value);
        drop(replaced);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
