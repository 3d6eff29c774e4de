//! Whether a source is known to exist here.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::ProviderError;

/// Remembers that a source was met once: from then on its absence is a failure that may pass, and a
/// chain goes on to no other.
#[derive(Debug, Default)]
pub(super) struct Availability(AtomicBool);

impl Availability {
    /// It is here.
    pub(super) fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was met.
    pub(super) fn is_known(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// It does not show itself now.
    pub(super) fn unavailable(&self, reason: String) -> ProviderError {
        match self.is_known() {
            true => ProviderError::transient(reason),
            false => ProviderError::not_configured(reason),
        }
    }
}
