//! The locks and atomics of the cache: the standard library's, or those of a model checker.
//!
//! The internal features `_loom` and `_shuttle` replace them, so that tests can run the cache under
//! many schedules of its threads. Nothing works outside of such a test then.

#[cfg(not(any(feature = "_loom", feature = "_shuttle")))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize},
};

#[cfg(not(any(feature = "_loom", feature = "_shuttle")))]
pub(crate) use arc_swap::ArcSwapOption;
#[cfg(feature = "_loom")]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize},
};
#[cfg(all(feature = "_shuttle", not(feature = "_loom")))]
pub(crate) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize},
};

#[cfg(any(feature = "_loom", feature = "_shuttle"))]
pub(crate) use self::modelled::ArcSwapOption;

#[cfg(any(feature = "_loom", feature = "_shuttle"))]
mod modelled {
    use std::sync::{Arc, PoisonError};

    use arc_swap::Guard;

    use super::{Mutex, MutexGuard};

    /// Stands in for that of `arc-swap`, which no model checker knows: each access is one step.
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
}
