//! The copy of the header value that a service keeps for itself.

use super::entry::Entry;
use crate::credential::Credential;

/// A per-service copy of the credential, so that cloning its header value does not contend on a
/// reference count shared with other threads.
///
/// The copy is made when a generation is used for the second time, so a service that is cloned for
/// one call copies nothing.
#[derive(Default)]
pub(crate) struct LocalCredential {
    generation: u64,
    credential: Option<Box<Credential>>,
}

impl LocalCredential {
    /// Returns the copy if it is of this generation.
    #[inline]
    pub(crate) fn of(&self, generation: u64) -> Option<&Credential> {
        self.credential
            .as_deref()
            .filter(|_| self.generation == generation)
    }

    /// Records a use of `entry`.
    pub(crate) fn record_use(&mut self, entry: &Entry) {
        if self.generation == entry.generation {
            self.credential = Some(Box::new(entry.credential.deep_clone()));
        } else {
            *self = Self {
                generation: entry.generation,
                credential: None,
            };
        }
    }
}

/// The clone of a service starts without a copy.
impl Clone for LocalCredential {
    fn clone(&self) -> Self {
        Self::default()
    }
}
