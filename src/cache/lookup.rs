//! What a request finds in the cache, and when the next lookup is due.

use std::sync::Arc;
use std::time::Duration;

use super::entry::Entry;
use super::in_flight::{GRACE, InFlight};
use super::join::Join;
use super::renewal;
use super::schedule::Freshness;
use super::shared::Shared;
use super::state::State;
use crate::clock::{Reading, unix_nanos};
use crate::runtime::Runtime;

/// What a request finds in the cache.
pub(crate) enum Lookup {
    /// The entry to use. A fetch that only its waiters drive is polled beside the request.
    Hit(Arc<Entry>, Option<InFlight>),
    /// Nothing usable: the request waits for a fetch.
    Miss,
}

impl State {
    /// Looks up the entry, and starts a fetch if it is due.
    pub(crate) fn lookup(self: &Arc<Self>) -> Lookup {
        let now = self.time.now();
        let Some(entry) = self.slot.load_full() else {
            return Lookup::Miss;
        };
        match entry.freshness(&now) {
            Freshness::Fresh => {
                self.refresh_next_lookup(&now);
                if entry.changes() {
                    renewal::ensure(self);
                }
                Lookup::Hit(entry, None)
            }
            Freshness::Due => Lookup::Hit(entry, self.renew(&now)),
            Freshness::Expired => {
                // If the wall clock was set back, only the monotonic clock saw the entry expire, and
                // requests read only the wall clock.
                self.slot.publish_next_lookup(0);
                Lookup::Miss
            }
        }
    }

    /// Starts the fetch that the timer finds necessary, or joins it. `None` if nothing is to be
    /// waited for.
    pub(super) fn fetch_if_needed(self: &Arc<Self>) -> Option<InFlight> {
        match self.lookup() {
            Lookup::Hit(_, in_flight) => in_flight,
            Lookup::Miss => match self.join() {
                Join::Wait(in_flight) => Some(in_flight),
                Join::Done(_) => None,
            },
        }
    }

    /// The time until the timer has something to do. `None` if that time never comes.
    pub(super) fn next_wakeup(&self) -> Option<Duration> {
        let now = self.time.now();
        let shared = self.lock();
        match self.usable_at(&now) {
            Some(entry) => self.time_to_next_lookup(&shared, &entry, &now),
            None => {
                self.slot.publish_next_lookup(0);
                let has_ended = self.is_static && self.slot.load_full().is_some();
                (!has_ended).then(|| self.time_to_next_fetch(&shared, &now))
            }
        }
    }

    /// Sets the time until which requests skip the lookup.
    pub(super) fn publish_next_lookup(&self, shared: &Shared, now: &Reading) {
        let wait = match self.usable_at(now) {
            Some(entry) => self.time_to_next_lookup(shared, &entry, now),
            None => Some(Duration::ZERO),
        };
        let at = match wait {
            None => u64::MAX,
            // Not `now`: a request's clock may be a tick behind, or set back.
            Some(Duration::ZERO) => 0,
            // A time that the number cannot express makes requests look up each time.
            Some(wait) => u64::try_from(wait.as_nanos())
                .ok()
                .and_then(|wait| unix_nanos(now.wall).checked_add(wait))
                .unwrap_or(0),
        };
        self.slot.publish_next_lookup(at);
    }

    /// Sets that time anew where it has passed. After a timer was lost, requests look up each time
    /// until one of them runs on a runtime that can have another.
    fn refresh_next_lookup(&self, now: &Reading) {
        if self.slot.current_generation(unix_nanos(now.wall)).is_some() {
            return;
        }
        let shared = self.lock();
        if !shared.timer.is_lost || Runtime::current().is_some() {
            self.publish_next_lookup(&shared, now);
        }
    }

    /// Starts the due fetch unless one runs or it is too early. Returns it if only its waiters
    /// drive it.
    fn renew(self: &Arc<Self>, now: &Reading) -> Option<InFlight> {
        self.abandon_overdue();
        let joined = {
            let mut shared = self.lock();
            let is_due = |entry: &Arc<Entry>| entry.freshness(now) == Freshness::Due;
            if !self.slot.load_full().as_ref().is_some_and(is_due) {
                // Another thread's renewal completed meanwhile.
                return None;
            }
            if shared.in_flight.is_none() {
                if !shared.due_pause(now).is_zero() {
                    self.publish_next_lookup(&shared, now);
                    return None;
                }
                shared.record_due(*now);
            }
            let joined = self.join_fetch(&mut shared, now);
            self.publish_next_lookup(&shared, now);
            joined
        };
        let in_flight = self.launch(joined, now);
        in_flight
            .fetch()
            .is_driven_by_waiters()
            .then_some(in_flight)
    }

    fn time_to_next_lookup(
        &self,
        shared: &Shared,
        entry: &Entry,
        now: &Reading,
    ) -> Option<Duration> {
        let pause = match &shared.in_flight {
            // Each request polls it.
            Some(fetch) if fetch.is_driven_by_waiters() => Duration::ZERO,
            // A request finds out by then whether its runtime stands still.
            Some(fetch) => fetch
                .time_left(self.settings.fetch_timeout)
                .saturating_add(GRACE),
            None => shared.due_pause(now),
        };
        entry.time_to_next_lookup(now, pause)
    }

    /// The time until the timer may fetch, where nothing usable is cached.
    fn time_to_next_fetch(&self, shared: &Shared, now: &Reading) -> Duration {
        match &shared.in_flight {
            Some(fetch) => fetch.time_left(self.settings.fetch_timeout),
            None => shared.pause_without_entry(now),
        }
    }
}
