//! What the cache holds: a credential, and when it is to be renewed.

use std::time::{Duration, SystemTime};

use super::schedule::{Freshness, Schedule};
use crate::clock::Reading;
use crate::credential::Credential;

/// A credential in the cache.
pub(crate) struct Entry {
    pub(crate) credential: Credential,
    /// The number of the entry, counted from 1. No two entries of a cache share one.
    pub(crate) generation: u64,
    pub(super) fetched_at: Reading,
    pub(super) schedule: Schedule,
}

impl Entry {
    pub(super) fn freshness(&self, now: &Reading) -> Freshness {
        self.schedule.freshness(now.since(&self.fetched_at))
    }

    pub(super) fn is_usable(&self, now: &Reading) -> bool {
        self.freshness(now) != Freshness::Expired
    }

    /// Whether a credential that replaces it now was fetched on schedule.
    pub(super) fn is_on_time(&self, now: &Reading) -> bool {
        self.schedule.is_on_time(now.since(&self.fetched_at))
    }

    /// The time until it is to be looked up again, where due fetches wait for `pause`.
    pub(super) fn time_to_next_lookup(&self, now: &Reading, pause: Duration) -> Option<Duration> {
        self.schedule
            .time_to_next_lookup(now.since(&self.fetched_at), pause)
    }

    /// The time until it expires, from `now`. `None` where it never does.
    pub(super) fn time_left(&self, now: &Reading) -> Option<Duration> {
        let age = now.since(&self.fetched_at);
        Some(self.schedule.expired?.saturating_sub(age))
    }

    /// Whether a time comes at which it is due or expired.
    pub(super) const fn changes(&self) -> bool {
        self.schedule.due.is_some() || self.schedule.expired.is_some()
    }

    /// The wall time at which it is due. `None` where it never is.
    pub(super) fn due_at(&self) -> Option<SystemTime> {
        self.fetched_at.wall.checked_add(self.schedule.due?)
    }
}
