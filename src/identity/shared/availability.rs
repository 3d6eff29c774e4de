//! Whether a source is known to exist here.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::ProviderError;

/// Remembers that a source has responded once. From then on its absence is a transient failure, and
/// a chain does not continue with the next source.
#[derive(Debug, Default)]
pub(crate) struct Availability(AtomicBool);

impl Availability {
    /// Records that the source has responded.
    pub(crate) fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the source has responded before.
    pub(crate) fn is_known(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The error of a source that is absent now.
    pub(crate) fn unavailable(&self, reason: String) -> ProviderError {
        match self.is_known() {
            true => ProviderError::transient(reason),
            false => ProviderError::not_configured(reason),
        }
    }
}
