//! The one fetch: how it starts, who waits for it, and how it lands.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;

use super::in_flight::{InFlight, Outcome};
use super::renewal;
use super::schedule::{self, Freshness, Schedule};
use super::shared::Shared;
use super::slot::Entry;
use super::state::State;
use crate::clock::Reading;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::ErasedProvider;
use crate::runtime::{Runtime, timeout};
use crate::telemetry;

/// What a waiter has to do next.
enum Join {
    Wait(InFlight),
    Done(Result<Arc<Entry>, ProviderError>),
}

impl State {
    /// Waits for the one flight, starting it if need be. In a cool-down, its error at once.
    pub(crate) async fn get_or_fetch(self: Arc<Self>) -> Result<Arc<Entry>, ProviderError> {
        loop {
            match self.join() {
                Join::Done(result) => return result,
                Join::Wait(flight) => {
                    if let Some(result) = self.await_flight(flight).await {
                        return result;
                    }
                }
            }
        }
    }

    /// Waits for a fetch whatever is entry, cool-down or not.
    pub(crate) async fn force_fetch(self: Arc<Self>) -> Result<Arc<Entry>, ProviderError> {
        loop {
            self.discard_overdue();
            let flight = self.flight(&mut self.lock());
            if let Some(result) = self.await_flight(flight).await {
                return result;
            }
        }
    }

    /// The flight to wait for, or what there is instead of one.
    fn join(self: &Arc<Self>) -> Join {
        self.discard_overdue();
        let mut shared = self.lock();
        let now = self.time.now();
        if let Some(entry) = self.usable_at(&now) {
            return Join::Done(Ok(entry));
        }
        if shared.in_flight().is_none()
            && let Some(error) = shared.cooldown_error(&now, false)
        {
            return Join::Done(Err(error));
        }
        Join::Wait(self.flight(&mut shared))
    }

    /// The flight under way, or a new one.
    pub(super) fn flight(self: &Arc<Self>, shared: &mut Shared) -> InFlight {
        if let Some(flight) = shared.in_flight() {
            return flight.clone();
        }
        shared.flights += 1;
        let flight = self.start(shared.flights);
        shared.flight = Some(flight.clone());
        flight
    }

    fn start(self: &Arc<Self>, number: u64) -> InFlight {
        let fetch = |limit| {
            fetch(
                Arc::downgrade(self),
                Arc::clone(&self.provider),
                number,
                limit,
            )
        };
        if let Some(runtime) = Runtime::current() {
            let (task, outcome) = runtime.spawn(fetch(Some(self.settings.fetch_timeout)));
            // No flight lands while the lock is entry, so one that is over has been refused: the
            // runtime is shutting down.
            if !task.is_finished() {
                return InFlight::new(number, Some(task), outcome);
            }
        }
        let fetch = fetch(None);
        InFlight::new(number, None, Box::pin(async move { Some(fetch.await) }))
    }

    async fn await_flight(self: &Arc<Self>, flight: InFlight) -> Outcome {
        if flight.keeps_its_deadline() {
            return flight.await;
        }
        let deadline = self.settings.fetch_timeout;
        if let Some(outcome) = timeout(flight.left(deadline), flight.clone()).await {
            return outcome;
        }
        if !flight.is_driven_by_callers() {
            // Its runtime stands still. This one does not.
            self.discard(|entry| entry.number == flight.number);
            return None;
        }
        let result = self.complete(flight.number, Err(missed(deadline)));
        flight.end(Some(result.clone()));
        Some(result)
    }

    /// Gives up a flight whose task is long past its deadline, or that no caller has driven for as
    /// long. Who still waits for it boards the next one.
    pub(super) fn discard_overdue(&self) {
        self.discard(|flight| flight.left(self.settings.fetch_timeout).is_zero());
    }

    fn discard(&self, which: impl Fn(&InFlight) -> bool) {
        let discarded = self.lock().flight.take_if(|flight| which(flight));
        if let Some(flight) = discarded {
            flight.end(None);
        }
    }

    /// Takes what a flight brought, and tells of it once the lock is released: who listens may use
    /// this very cache.
    fn complete(
        self: &Arc<Self>,
        number: u64,
        result: Result<Credential, ProviderError>,
    ) -> Result<Arc<Entry>, ProviderError> {
        let mut shared = self.lock();
        let Some(flight) = shared.flight.take_if(|flight| flight.number == number) else {
            let given_up = || {
                result
                    .err()
                    .unwrap_or_else(|| ProviderError::transient("the fetch was given up"))
            };
            return self.usable_at(&self.time.now()).ok_or_else(given_up);
        };
        let now = self.time.now();
        let result = result.and_then(|credential| self.admit(&credential, now));
        match &result {
            Ok(entry) => {
                shared.failure = None;
                self.slot.store(Arc::clone(entry));
            }
            Err(error) => shared.fail(error.clone(), now, (self.jitter)()),
        }
        self.publish_next_lookup(&shared, &now);
        if let Some(renewal) = renewal::start(self) {
            shared.replace_renewal(renewal);
        }
        let in_a_row = shared
            .failure
            .as_ref()
            .map_or(0, |failure| failure.in_a_row);
        drop(shared);
        match &result {
            Ok(entry) => telemetry::fetched(&entry.credential, entry.generation, flight.elapsed()),
            Err(error) => {
                telemetry::fetch_failed(
                    error,
                    in_a_row,
                    self.usable_at(&now).is_some(),
                    flight.elapsed(),
                );
            }
        }
        result
    }

    /// What a credential becomes on landing. One that is expired on arrival does not land.
    fn admit(&self, credential: &Credential, now: Reading) -> Result<Arc<Entry>, ProviderError> {
        let schedule = Schedule::new(credential, now.wall, self.settings.max_age, (self.jitter)());
        if schedule.freshness(Duration::ZERO) == Freshness::Expired {
            return Err(ProviderError::transient(
                "the credential was expired on arrival, check the clocks",
            ));
        }
        let credential = match schedule::expires_at(credential.expiry(), now.wall) {
            Some(at) => credential.clone().with_expiry(at),
            None => credential.clone(),
        };
        Ok(Arc::new(Entry {
            credential,
            generation: self.slot.generation() + 1,
            fetched_at: now,
            schedule,
        }))
    }
}

/// One fetch, whatever the provider does, and its landing. Owns no cache: the last handle may go
/// meanwhile.
///
/// Only a task sets a limit: a timer belongs to one runtime, and what callers drive may be polled
/// on several.
async fn fetch(
    state: Weak<State>,
    provider: Arc<dyn ErasedProvider>,
    number: u64,
    limit: Option<Duration>,
) -> Result<Arc<Entry>, ProviderError> {
    let fetching = telemetry::in_fetch_span(provider.fetch_erased());
    let limited = async {
        match limit {
            Some(limit) => timeout(limit, fetching)
                .await
                .unwrap_or_else(|| Err(missed(limit))),
            None => fetching.await,
        }
    };
    let panicked = |_| Err(ProviderError::transient("the provider panicked"));
    let result = AssertUnwindSafe(limited)
        .catch_unwind()
        .await
        .unwrap_or_else(panicked);
    match state.upgrade() {
        Some(state) => state.complete(number, result),
        None => Err(ProviderError::transient("the cache is gone")),
    }
}

fn missed(deadline: Duration) -> ProviderError {
    ProviderError::transient(format!("no credential within {deadline:?}"))
}
