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

#[cfg(test)]
mod tests {
    use std::time::{Instant, UNIX_EPOCH};

    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn age_counts_by_clock_that_moved_further() {
        let start = Reading {
            wall: UNIX_EPOCH + s(1_800_000_000),
            monotonic: Instant::now(),
        };
        let entry = Entry {
            credential: Credential::iam_token("t1.a").unwrap(),
            generation: 1,
            fetched_at: start,
            schedule: Schedule {
                due: Some(s(800)),
                expired: Some(s(990)),
            },
        };
        for (age, usable, on_time, left) in [
            (0, true, true, 990),
            (860, true, true, 130),
            (861, true, false, 129),
            (990, false, false, 0),
        ] {
            for (wall, monotonic) in [(age, 0), (0, age), (age, age)] {
                let now = Reading {
                    wall: start.wall + s(wall),
                    monotonic: start.monotonic + s(monotonic),
                };
                assert_eq!(entry.is_usable(&now), usable, "{wall}, {monotonic}");
                assert_eq!(entry.is_on_time(&now), on_time, "{wall}, {monotonic}");
                assert_eq!(entry.time_left(&now), Some(s(left)), "{wall}, {monotonic}");
            }
        }
        assert_eq!(entry.due_at(), Some(start.wall + s(800)));
    }
}
