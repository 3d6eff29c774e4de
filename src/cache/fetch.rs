//! The one fetch: how it starts, who waits for it, and how it lands.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;

use super::control::Control;
use super::flight::{Flight, Outcome};
use super::renewal;
use super::schedule::{self, Freshness, Schedule};
use super::slot::Held;
use super::state::State;
use crate::clock::Reading;
use crate::credential::Credential;
use crate::provider::{ErasedProvider, ProviderError};
use crate::runtime::{Runtime, within};
use crate::telemetry;

/// What a waiter on another runtime grants a flight beyond its deadline.
pub(super) const FOREIGN_GRACE: Duration = Duration::from_secs(1);

/// What a waiter has to do next.
enum Boarding {
    Flight(Flight),
    Settled(Result<Arc<Held>, ProviderError>),
}

impl State {
    /// Waits for the one flight, starting it if need be. In a cool-down, its error at once.
    pub(crate) async fn obtain(self: Arc<Self>) -> Result<Arc<Held>, ProviderError> {
        loop {
            match self.board() {
                Boarding::Settled(result) => return result,
                Boarding::Flight(flight) => {
                    if let Some(result) = self.await_flight(flight).await {
                        return result;
                    }
                }
            }
        }
    }

    /// Waits for a fetch whatever is held, cool-down or not.
    pub(crate) async fn insist(self: Arc<Self>) -> Result<Arc<Held>, ProviderError> {
        loop {
            self.end_overdue();
            let flight = self.flight(&mut self.lock());
            if let Some(result) = self.await_flight(flight).await {
                return result;
            }
        }
    }

    /// The flight to wait for, or what there is instead of one.
    fn board(self: &Arc<Self>) -> Boarding {
        self.end_overdue();
        let mut control = self.lock();
        let now = self.time.now();
        if let Some(held) = self.usable_at(&now) {
            return Boarding::Settled(Ok(held));
        }
        if control.alive().is_none()
            && let Some(error) = control.cooling(&now, false)
        {
            return Boarding::Settled(Err(error));
        }
        Boarding::Flight(self.flight(&mut control))
    }

    /// The flight under way, or a new one.
    pub(super) fn flight(self: &Arc<Self>, control: &mut Control) -> Flight {
        if let Some(flight) = control.alive() {
            return flight.clone();
        }
        control.flights += 1;
        let number = control.flights;
        let fetch = fetch(Arc::downgrade(self), Arc::clone(&self.provider), number, self.refresh.deadline);
        let flight = match Runtime::current() {
            Some(runtime) => {
                let (task, outcome) = runtime.spawn(fetch);
                Flight::new(number, Some(task), outcome)
            }
            None => Flight::new(number, None, Box::pin(async move { Some(fetch.await) })),
        };
        control.flight = Some(flight.clone());
        flight
    }

    async fn await_flight(self: &Arc<Self>, flight: Flight) -> Outcome {
        if !flight.is_foreign() {
            return flight.await;
        }
        let number = flight.number;
        let left = self.refresh.deadline.saturating_add(FOREIGN_GRACE).saturating_sub(flight.elapsed());
        match within(left, flight.clone()).await {
            Some(outcome) => outcome,
            None => {
                flight.abort();
                Some(self.land(number, Err(missed(self.refresh.deadline))))
            }
        }
    }

    /// A flight that callers drive has no timer, so the next caller looks at the time for it.
    pub(super) fn end_overdue(self: &Arc<Self>) {
        let deadline = self.refresh.deadline;
        let overdue = |flight: &&Flight| flight.is_driven_by_callers() && flight.elapsed() > deadline;
        let number = self.lock().flight.as_ref().filter(overdue).map(|flight| flight.number);
        if let Some(number) = number {
            let _ = self.land(number, Err(missed(deadline)));
        }
    }

    /// Takes what a flight brought, and tells of it once the lock is released: who listens may use this very cache.
    fn land(
        self: &Arc<Self>,
        number: u64,
        result: Result<Credential, ProviderError>,
    ) -> Result<Arc<Held>, ProviderError> {
        let mut control = self.lock();
        let Some(flight) = control.flight.take_if(|flight| flight.number == number) else {
            return Err(result.err().unwrap_or_else(|| ProviderError::transient("the fetch was given up")));
        };
        let now = self.time.now();
        let landed = result.and_then(|credential| self.receive(&credential, now));
        match &landed {
            Ok(held) => {
                control.failure = None;
                self.slot.store(Arc::clone(held));
            }
            Err(error) => control.fail(error.clone(), now, (self.jitter)()),
        }
        self.settle(&control, &now);
        control.replace_renewal(renewal::start(self));
        let in_a_row = control.failure.as_ref().map_or(0, |failure| failure.in_a_row);
        drop(control);
        match &landed {
            Ok(held) => telemetry::fetched(&held.credential, held.generation, flight.elapsed()),
            Err(error) => {
                telemetry::fetch_failed(error, in_a_row, self.usable_at(&now).is_some(), flight.elapsed());
            }
        }
        landed
    }

    /// What a credential becomes on landing. One that is expired on arrival does not land.
    fn receive(&self, credential: &Credential, now: Reading) -> Result<Arc<Held>, ProviderError> {
        let schedule = Schedule::new(credential, now.wall, self.refresh.max_age, (self.jitter)());
        if schedule.freshness(Duration::ZERO) == Freshness::Expired {
            return Err(ProviderError::transient("the credential was expired on arrival, check the clocks"));
        }
        let credential = match schedule::expires_at(credential.expiry(), now.wall) {
            Some(at) => credential.clone().with_expiry(at),
            None => credential.clone(),
        };
        Ok(Arc::new(Held { credential, generation: self.slot.generation() + 1, landed: now, schedule }))
    }
}

/// One fetch, whatever the provider does, and its landing. Owns no cache: the last handle may go meanwhile.
async fn fetch(
    state: Weak<State>,
    provider: Arc<dyn ErasedProvider>,
    number: u64,
    deadline: Duration,
) -> Result<Arc<Held>, ProviderError> {
    let fetching = telemetry::in_fetch_span(AssertUnwindSafe(provider.fetch_erased()).catch_unwind());
    let result = match within(deadline, fetching).await {
        Some(Ok(result)) => result,
        Some(Err(_panic)) => Err(ProviderError::transient("the provider panicked")),
        None => Err(missed(deadline)),
    };
    match state.upgrade() {
        Some(state) => state.land(number, result),
        None => Err(ProviderError::transient("the cache is gone")),
    }
}

fn missed(deadline: Duration) -> ProviderError {
    ProviderError::transient(format!("no credential within {deadline:?}"))
}
