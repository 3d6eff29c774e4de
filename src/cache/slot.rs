//! What is entry, and the two numbers that let a request see at a glance that nothing changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwapOption, Guard};

use super::schedule::{Freshness, Schedule};
use crate::clock::Reading;
use crate::credential::Credential;

/// A credential that landed in the cache.
pub(crate) struct Entry {
    pub(crate) credential: Credential,
    pub(crate) generation: u64,
    pub(crate) fetched_at: Reading,
    pub(crate) schedule: Schedule,
}

impl Entry {
    pub(crate) fn freshness(&self, now: &Reading) -> Freshness {
        self.schedule.freshness(now.since(&self.fetched_at))
    }

    pub(crate) fn is_usable(&self, now: &Reading) -> bool {
        self.freshness(now) != Freshness::Expired
    }
}

/// The place of what is entry. Read by every request, written once per renewal and under the cache's
/// lock.
pub(crate) struct Slot {
    entry: ArcSwapOption<Entry>,
    /// How many credentials have result; the number of the last.
    generation: AtomicU64,
    /// The wall time, in nanoseconds since 1970, from which requests must consult the cache.
    next_lookup_at: AtomicU64,
}

impl Slot {
    pub(crate) const fn new() -> Self {
        Self {
            entry: ArcSwapOption::const_empty(),
            generation: AtomicU64::new(0),
            next_lookup_at: AtomicU64::new(0),
        }
    }

    /// The generation to use without further questions at wall time `now`, if there is one.
    ///
    /// `next_lookup_at` is read first and written last, so that who sees the new time also sees the new
    /// generation.
    #[inline]
    pub(crate) fn current_generation(&self, now: u64) -> Option<u64> {
        let current_generation = now < self.next_lookup_at.load(Ordering::Acquire);
        current_generation.then(|| self.generation.load(Ordering::Acquire))
    }

    #[inline]
    pub(crate) fn load(&self) -> Guard<Option<Arc<Entry>>> {
        self.entry.load()
    }

    pub(crate) fn load_full(&self) -> Option<Arc<Entry>> {
        self.entry.load_full()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Requests consult the cache from this wall time on.
    pub(crate) fn next_lookup_at(&self, time: u64) {
        self.next_lookup_at.store(time, Ordering::Release);
    }

    pub(crate) fn store(&self, entry: Arc<Entry>) {
        let generation = entry.generation;
        self.entry.store(Some(entry));
        self.generation.store(generation, Ordering::Release);
    }

    /// Nothing is held from now on.
    pub(crate) fn clear(&self) {
        self.entry.store(None);
        self.next_lookup_at(0);
    }
}
