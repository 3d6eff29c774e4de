//! What is held, and the two numbers that let a request see at a glance that nothing changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwapOption, Guard};

use super::schedule::{Freshness, Schedule};
use crate::clock::Reading;
use crate::credential::Credential;

/// A credential that landed in the cache.
pub(crate) struct Held {
    pub(crate) credential: Credential,
    pub(crate) generation: u64,
    pub(crate) landed: Reading,
    pub(crate) schedule: Schedule,
}

impl Held {
    pub(crate) fn freshness(&self, now: &Reading) -> Freshness {
        self.schedule.freshness(now.since(&self.landed))
    }

    pub(crate) fn is_usable(&self, now: &Reading) -> bool {
        self.freshness(now) != Freshness::Expired
    }
}

/// The place of what is held. Read by every request, written once per renewal and under the cache's
/// lock.
pub(crate) struct Slot {
    held: ArcSwapOption<Held>,
    /// How many credentials have landed; the number of the last.
    generation: AtomicU64,
    /// The wall time, in nanoseconds since 1970, from which requests must consult the cache.
    consult_at: AtomicU64,
}

impl Slot {
    pub(crate) const fn new() -> Self {
        Self {
            held: ArcSwapOption::const_empty(),
            generation: AtomicU64::new(0),
            consult_at: AtomicU64::new(0),
        }
    }

    /// The generation to use without further questions at wall time `now`, if there is one.
    ///
    /// `consult_at` is read first and written last, so that who sees the new time also sees the new
    /// generation.
    #[inline]
    pub(crate) fn settled(&self, now: u64) -> Option<u64> {
        let settled = now < self.consult_at.load(Ordering::Acquire);
        settled.then(|| self.generation.load(Ordering::Acquire))
    }

    #[inline]
    pub(crate) fn load(&self) -> Guard<Option<Arc<Held>>> {
        self.held.load()
    }

    pub(crate) fn load_full(&self) -> Option<Arc<Held>> {
        self.held.load_full()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Requests consult the cache from this wall time on.
    pub(crate) fn consult_at(&self, time: u64) {
        self.consult_at.store(time, Ordering::Release);
    }

    pub(crate) fn store(&self, held: Arc<Held>) {
        let generation = held.generation;
        self.held.store(Some(held));
        self.generation.store(generation, Ordering::Release);
    }

    /// Nothing is held from now on.
    pub(crate) fn clear(&self) {
        self.held.store(None);
        self.consult_at(0);
    }
}
