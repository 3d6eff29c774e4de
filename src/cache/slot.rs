//! The place of the entry, and the two numbers by which a request sees that nothing changed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::Guard;

use super::entry::Entry;
use crate::sync::{ArcSwapOption, AtomicU64};

/// The cached entry. Read by every request; written under the cache's lock, once per renewal.
pub(crate) struct Slot {
    entry: ArcSwapOption<Entry>,
    /// The generation of the last entry stored. It stays when the entry is removed.
    generation: AtomicU64,
    /// The wall time, in nanoseconds since 1970, from which requests must look up the cache.
    next_lookup_at: AtomicU64,
}

impl Slot {
    pub(super) fn new() -> Self {
        Self {
            entry: ArcSwapOption::empty(),
            generation: AtomicU64::new(0),
            next_lookup_at: AtomicU64::new(0),
        }
    }

    /// Returns the generation that may be used at wall time `now` without a lookup, if any.
    ///
    /// Why the order is safe: a writer stores the entry, then its generation, then the time, each
    /// with `Release`; this reads the time first and the generation second, each with `Acquire`.
    /// So a request that reads a time published for an entry also reads that entry's generation, or
    /// a later one, and never approves an older copy by a newer time. A request that reads an older
    /// time and a newer generation finds that its copy does not match and loads the entry. A removal
    /// sets the time to 0 and leaves the generation, so a request that reads 0 looks up, and a request that
    /// read the old time just before is ordered before the removal.
    #[inline]
    pub(crate) fn current_generation(&self, now: u64) -> Option<u64> {
        let is_current = now < self.next_lookup_at.load(Ordering::Acquire);
        is_current.then(|| self.generation.load(Ordering::Acquire))
    }

    #[inline]
    pub(crate) fn load(&self) -> Guard<Option<Arc<Entry>>> {
        self.entry.load()
    }

    pub(super) fn load_full(&self) -> Option<Arc<Entry>> {
        self.entry.load_full()
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Makes requests look up the cache from wall time `at` on.
    pub(super) fn publish_next_lookup(&self, at: u64) {
        self.next_lookup_at.store(at, Ordering::Release);
    }

    pub(super) fn store(&self, entry: Arc<Entry>) {
        let generation = entry.generation;
        self.entry.store(Some(entry));
        self.generation.store(generation, Ordering::Release);
    }

    /// Removes the entry.
    pub(super) fn clear(&self) {
        self.entry.store(None);
        self.publish_next_lookup(0);
    }
}
