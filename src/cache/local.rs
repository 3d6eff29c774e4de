//! A service's own copy of the credential: memory whose reference count no other thread touches.

use super::slot::Entry;
use crate::credential::Credential;

/// What a service keeps of the generation it used last.
///
/// The copy is made when a generation is used for the second time, so a clone that is called once
/// copies nothing.
#[derive(Default)]
pub(crate) struct LocalCredential {
    generation: u64,
    credential: Option<Box<Credential>>,
}

impl LocalCredential {
    /// The copy, if it is of this generation.
    #[inline]
    pub(crate) fn of(&self, generation: u64) -> Option<&Credential> {
        self.credential
            .as_deref()
            .filter(|_| self.generation == generation)
    }

    /// Takes note that `held` was used.
    pub(crate) fn note(&mut self, entry: &Entry) {
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

/// A clone of a service starts without one.
impl Clone for LocalCredential {
    fn clone(&self) -> Self {
        Self::default()
    }
}
