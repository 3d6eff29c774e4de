//! The end of a fetch: its result enters the cache, and the waiters get it.

use std::sync::Arc;
use std::time::Duration;

use super::entry::Entry;
use super::in_flight::Fetch;
use super::renewal;
use super::schedule::{Jitter, Schedule};
use super::shared::{FailureStreak, Shared};
use super::state::{State, with_expiry_of_arrival};
use crate::clock::Reading;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::telemetry;

/// What a completed fetch changed.
struct Recorded {
    fetch: Arc<Fetch>,
    result: Result<Arc<Entry>, ProviderError>,
    previous: Option<Arc<Entry>>,
    failures: u32,
    is_usable: bool,
    /// The time until the next attempt.
    pause: Duration,
    /// The failures before it, dropped with this: after the lock is released.
    _replaced: Option<FailureStreak>,
}

impl State {
    /// Ends the fetch of this id, unless another has taken its place: stores the result, wakes the
    /// waiters, restarts the timer and emits telemetry, in this order.
    pub(super) fn complete(self: &Arc<Self>, id: u64, result: Result<Credential, ProviderError>) {
        let now = self.time.now();
        let Some(recorded) = self.record(id, result, now) else {
            return;
        };
        recorded.fetch.finish(Some(recorded.result.clone()));
        renewal::restart(self);
        recorded.report();
        self.report_expiry();
    }

    fn record(
        &self,
        id: u64,
        result: Result<Credential, ProviderError>,
        now: Reading,
    ) -> Option<Recorded> {
        let mut shared = self.lock();
        let fetch = shared.in_flight.take_if(|fetch| fetch.id == id)?;
        let previous = self.slot.load_full();
        let result = result.and_then(|credential| self.admit(&credential, now, &shared));
        let replaced = match &result {
            Ok(entry) => {
                self.slot.store(Arc::clone(entry));
                shared.record_success()
            }
            Err(error) => {
                shared.record_failure(error.clone(), now, previous.as_deref(), (self.random)())
            }
        };
        self.publish_next_lookup(&shared, &now);
        let is_usable = self.usable_at(&now).is_some();
        let failures = shared.failures.as_ref();
        Some(Recorded {
            fetch,
            result,
            previous,
            failures: failures.map_or(0, |failures| failures.count),
            is_usable,
            pause: failures.map_or(Duration::ZERO, |failures| failures.pause(&now, is_usable)),
            _replaced: replaced,
        })
    }

    /// Makes an entry of a credential that was fetched, unless it is expired on arrival.
    fn admit(
        &self,
        credential: &Credential,
        now: Reading,
        shared: &Shared,
    ) -> Result<Arc<Entry>, ProviderError> {
        if self.is_static {
            return Ok(Arc::new(self.static_entry(credential, now)));
        }
        let previous = self.slot.load_full();
        let is_on_schedule = shared.is_on_schedule(previous.as_deref(), &now);
        let jitter = Jitter::draw(self.random, is_on_schedule);
        let schedule = Schedule::new(credential, now.wall, self.settings.max_age, jitter);
        let schedule = schedule.ok_or_else(|| {
            ProviderError::transient("the credential was expired on arrival: check the clocks")
        })?;
        Ok(Arc::new(Entry {
            credential: with_expiry_of_arrival(credential, &now),
            generation: self.slot.generation() + 1,
            fetched_at: now,
            schedule,
        }))
    }
}

impl Recorded {
    fn report(&self) {
        let took = self.fetch.elapsed();
        match &self.result {
            Ok(entry) => {
                let previous = self.previous.as_deref().map(|entry| &entry.credential);
                telemetry::fetched(&entry.credential, entry.generation, previous, took);
            }
            Err(error) => {
                telemetry::fetch_failed(error, self.failures, self.is_usable, took, self.pause);
            }
        }
    }
}
