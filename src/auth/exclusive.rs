//! Sharing a value that is not `Sync`.

use std::sync::{Mutex, PoisonError};

/// A value that only `&mut` gives access to. It is `Sync` for any `Send` value, since a shared
/// reference to it is of no use.
///
/// The mutex is never locked. It stands in for `std::sync::Exclusive`, which is unstable and cannot
/// be written without unsafe code.
pub(super) struct Exclusive<T>(Mutex<T>);

impl<T> Exclusive<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}
