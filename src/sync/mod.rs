//! The locks and atomics of the cache: the standard library's, or those of a checker.
//!
//! The internal features `_loom` and `_shuttle` replace them by those of a model checker, so that
//! tests can run the cache under many schedules of its threads. Nothing works outside of such a test
//! then. The internal feature `_sanitizer` makes them visible to ThreadSanitizer.

#[cfg(any(feature = "_loom", feature = "_shuttle"))]
mod modelled;
#[cfg(feature = "_sanitizer")]
mod traced;

#[cfg(not(feature = "_sanitizer"))]
pub(crate) use std::sync::Mutex as StaticMutex;
#[cfg(not(any(feature = "_loom", feature = "_shuttle")))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
#[cfg(not(any(feature = "_loom", feature = "_shuttle", feature = "_sanitizer")))]
pub(crate) use std::sync::{Mutex, MutexGuard};

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
#[cfg(feature = "_sanitizer")]
pub(crate) use self::traced::Mutex as StaticMutex;
#[cfg(all(
    feature = "_sanitizer",
    not(any(feature = "_loom", feature = "_shuttle"))
))]
pub(crate) use self::traced::{Mutex, MutexGuard};
