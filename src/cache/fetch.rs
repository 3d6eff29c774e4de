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
            self.discard_overdue();
            let flight = self.flight(&mut self.lock());
            if let Some(result) = self.await_flight(flight).await {
                return result;
            }
        }
    }

    /// The flight to wait for, or what there is instead of one.
    fn board(self: &Arc<Self>) -> Boarding {
        self.discard_overdue();
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
        let flight = self.depart(control.flights);
        control.flight = Some(flight.clone());
        flight
    }

    fn depart(self: &Arc<Self>, number: u64) -> Flight {
        let fetch = |limit| {
            fetch(
                Arc::downgrade(self),
                Arc::clone(&self.provider),
                number,
                limit,
            )
        };
        if let Some(runtime) = Runtime::current() {
            let (task, outcome) = runtime.spawn(fetch(Some(self.refresh.deadline)));
            // No flight lands while the lock is held, so one that is over has been refused: the
            // runtime is shutting down.
            if !task.is_finished() {
                return Flight::new(number, Some(task), outcome);
            }
        }
        let fetch = fetch(None);
        Flight::new(number, None, Box::pin(async move { Some(fetch.await) }))
    }

    async fn await_flight(self: &Arc<Self>, flight: Flight) -> Outcome {
        if flight.keeps_its_deadline() {
            return flight.await;
        }
        let deadline = self.refresh.deadline;
        if let Some(outcome) = within(flight.left(deadline), flight.clone()).await {
            return outcome;
        }
        if !flight.is_driven_by_callers() {
            // Its runtime stands still. This one does not.
            self.discard(|held| held.number == flight.number);
            return None;
        }
        let landed = self.land(flight.number, Err(missed(deadline)));
        flight.end(Some(landed.clone()));
        Some(landed)
    }

    /// Gives up a flight whose task is long past its deadline, or that no caller has driven for as
    /// long. Who still waits for it boards the next one.
    pub(super) fn discard_overdue(&self) {
        self.discard(|flight| flight.left(self.refresh.deadline).is_zero());
    }

    fn discard(&self, which: impl Fn(&Flight) -> bool) {
        let discarded = self.lock().flight.take_if(|flight| which(flight));
        if let Some(flight) = discarded {
            flight.end(None);
        }
    }

    /// Takes what a flight brought, and tells of it once the lock is released: who listens may use
    /// this very cache.
    fn land(
        self: &Arc<Self>,
        number: u64,
        result: Result<Credential, ProviderError>,
    ) -> Result<Arc<Held>, ProviderError> {
        let mut control = self.lock();
        let Some(flight) = control.flight.take_if(|flight| flight.number == number) else {
            let given_up = || {
                result
                    .err()
                    .unwrap_or_else(|| ProviderError::transient("the fetch was given up"))
            };
            return self.usable_at(&self.time.now()).ok_or_else(given_up);
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
        if let Some(renewal) = renewal::start(self) {
            control.replace_renewal(renewal);
        }
        let in_a_row = control
            .failure
            .as_ref()
            .map_or(0, |failure| failure.in_a_row);
        drop(control);
        match &landed {
            Ok(held) => telemetry::fetched(&held.credential, held.generation, flight.elapsed()),
            Err(error) => {
                telemetry::fetch_failed(
                    error,
                    in_a_row,
                    self.usable_at(&now).is_some(),
                    flight.elapsed(),
                );
            }
        }
        landed
    }

    /// What a credential becomes on landing. One that is expired on arrival does not land.
    fn receive(&self, credential: &Credential, now: Reading) -> Result<Arc<Held>, ProviderError> {
        let schedule = Schedule::new(credential, now.wall, self.refresh.max_age, (self.jitter)());
        if schedule.freshness(Duration::ZERO) == Freshness::Expired {
            return Err(ProviderError::transient(
                "the credential was expired on arrival, check the clocks",
            ));
        }
        let credential = match schedule::expires_at(credential.expiry(), now.wall) {
            Some(at) => credential.clone().with_expiry(at),
            None => credential.clone(),
        };
        Ok(Arc::new(Held {
            credential,
            generation: self.slot.generation() + 1,
            landed: now,
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
) -> Result<Arc<Held>, ProviderError> {
    let fetching = telemetry::in_fetch_span(provider.fetch_erased());
    let limited = async {
        match limit {
            Some(limit) => within(limit, fetching)
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
        Some(state) => state.land(number, result),
        None => Err(ProviderError::transient("the cache is gone")),
    }
}

fn missed(deadline: Duration) -> ProviderError {
    ProviderError::transient(format!("no credential within {deadline:?}"))
}
