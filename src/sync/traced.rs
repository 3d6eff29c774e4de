//! A mutex that ThreadSanitizer sees.
//!
//! The standard library is not built with the sanitizer. So the sanitizer does not see that a thread
//! which had to wait for a lock comes after the one that released it, and reports what the lock
//! guards as a race. Two accesses to an atomic show it the order.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LockResult, PoisonError};

#[derive(Default)]
pub(crate) struct Mutex<T> {
    inner: std::sync::Mutex<T>,
    releases: AtomicUsize,
}

pub(crate) struct MutexGuard<'a, T> {
    inner: std::sync::MutexGuard<'a, T>,
    releases: &'a AtomicUsize,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self {
            inner: std::sync::Mutex::new(value),
            releases: AtomicUsize::new(0),
        }
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        match self.inner.lock() {
            Ok(guard) => Ok(self.acquire(guard)),
            Err(error) => Err(PoisonError::new(self.acquire(error.into_inner()))),
        }
    }

    pub(crate) fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }

    fn acquire<'a>(&'a self, inner: std::sync::MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.releases.load(Ordering::Acquire);
        MutexGuard {
            inner,
            releases: &self.releases,
        }
    }
}

/// Runs before the lock is released.
impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.releases.fetch_add(1, Ordering::Release);
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}
