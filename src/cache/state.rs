//! What all clones of a cache share, and every change it goes through.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt;

use super::control::Control;
use super::flight::{Flight, Outcome};
use super::refresh::Refresh;
use super::runtime::{Runtime, within};
use super::schedule::{self, Freshness, Schedule};
use super::slot::{Held, Slot};
use super::{registry, renewal};
use crate::clock::{Reading, TimeSource, unix_nanos};
use crate::credential::Credential;
use crate::provider::{ErasedProvider, ProviderError};

/// A credential younger than this is not dropped: what refused it may not have seen it yet.
const MIN_AGE_TO_DROP: Duration = Duration::from_secs(5);

/// Two drops are at least this far apart: a principal that is always refused must not become a stampede.
const DROP_SPACING: Duration = Duration::from_secs(30);

/// What a waiter on another runtime grants a flight beyond its deadline.
const FOREIGN_GRACE: Duration = Duration::from_secs(1);

/// What all clones of a cache share.
pub(crate) struct State {
    provider: Arc<dyn ErasedProvider>,
    pub(crate) is_static: bool,
    refresh: Refresh,
    pub(crate) time: TimeSource,
    pub(crate) slot: Slot,
    control: Mutex<Control>,
    pub(crate) number: u32,
    jitter: fn() -> f64,
}

/// What a request finds in the cache.
pub(crate) enum Consulted {
    /// Use it. A flight that nobody else drives is to be polled beside the request.
    Held(Arc<Held>, Option<Flight>),
    /// Wait for the flight.
    Wait,
}

/// What became of a credential that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It was dropped.
    Dropped,
    /// It is still held, and the next request will carry it again.
    Kept,
    /// It was no longer held.
    Replaced,
}

/// What a waiter has to do next.
enum Boarding {
    Flight(Flight),
    Settled(Result<Arc<Held>, ProviderError>),
}

impl State {
    pub(super) fn new(
        provider: Arc<dyn ErasedProvider>,
        refresh: Refresh,
        time: TimeSource,
        jitter: fn() -> f64,
    ) -> Arc<Self> {
        let number = registry::next_number();
        let state = Arc::new(Self {
            is_static: provider.is_static_erased(),
            provider,
            refresh,
            time,
            slot: Slot::new(),
            control: Mutex::default(),
            number,
            jitter,
        });
        registry::register(number, &state);
        state
    }

    /// What is held, with one fetch running if it is due.
    pub(crate) fn consult(self: &Arc<Self>) -> Consulted {
        let now = self.time.now();
        match self.slot.load_full() {
            Some(held) => match held.freshness(&now) {
                Freshness::Fresh => {
                    self.settle(&self.lock(), &now);
                    Consulted::Held(held, None)
                }
                Freshness::Due => Consulted::Held(held, self.renew(&now)),
                Freshness::Expired => Consulted::Wait,
            },
            None => Consulted::Wait,
        }
    }

    /// What is usable now by both clocks.
    pub(crate) fn usable(&self) -> Option<Arc<Held>> {
        let now = self.time.now();
        self.slot.load_full().filter(|held| held.is_usable(&now))
    }

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
            let flight = {
                let mut control = self.lock();
                self.end_overdue(&mut control, &self.time.now());
                self.flight(&mut control)
            };
            if let Some(result) = self.await_flight(flight).await {
                return result;
            }
        }
    }

    /// Drops what is held if `refused` says it is that, within the limits on drops.
    pub(crate) fn reject(&self, refused: impl FnOnce(&Held) -> bool) -> Refusal {
        let mut control = self.lock();
        if self.is_static {
            return Refusal::Kept;
        }
        let Some(held) = self.slot.load_full().filter(|held| refused(held)) else { return Refusal::Replaced };
        let now = self.time.now();
        let too_young = now.since(&held.landed) < MIN_AGE_TO_DROP;
        let too_soon = control.last_drop.is_some_and(|last| now.since(&last) < DROP_SPACING);
        if too_young || too_soon {
            return Refusal::Kept;
        }
        control.last_drop = Some(now);
        self.slot.clear();
        Refusal::Dropped
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the due fetch unless one runs or it is too early. Returns the flight if nobody drives it.
    fn renew(self: &Arc<Self>, now: &Reading) -> Option<Flight> {
        let mut control = self.lock();
        if control.alive().is_none() {
            if !control.due_pause(now).is_zero() {
                self.settle(&control, now);
                return None;
            }
            control.note_due(*now);
        }
        let flight = self.flight(&mut control);
        self.settle(&control, now);
        flight.is_driven_by_callers().then_some(flight)
    }

    /// The flight to wait for, or what there is instead of one.
    fn board(self: &Arc<Self>) -> Boarding {
        let mut control = self.lock();
        let now = self.time.now();
        if let Some(held) = self.usable_at(&now) {
            return Boarding::Settled(Ok(held));
        }
        self.end_overdue(&mut control, &now);
        if control.alive().is_none()
            && let Some(error) = control.cooling(&now, false)
        {
            return Boarding::Settled(Err(error));
        }
        Boarding::Flight(self.flight(&mut control))
    }

    /// The flight under way, or a new one.
    fn flight(self: &Arc<Self>, control: &mut Control) -> Flight {
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
        let left = (self.refresh.deadline + FOREIGN_GRACE).saturating_sub(flight.elapsed());
        match within(left, flight.clone()).await {
            Some(outcome) => outcome,
            None => {
                flight.abort();
                Some(self.land(number, Err(missed(self.refresh.deadline))))
            }
        }
    }

    /// A flight that callers drive has no timer, so the next caller looks at the time for it.
    fn end_overdue(self: &Arc<Self>, control: &mut Control, now: &Reading) {
        let deadline = self.refresh.deadline;
        if control.flight.as_ref().is_some_and(|flight| flight.is_driven_by_callers() && flight.elapsed() > deadline) {
            self.fail(control, now, missed(deadline));
        }
    }

    /// Takes what a flight brought. A flight that was given up changes nothing.
    fn land(
        self: &Arc<Self>,
        number: u64,
        result: Result<Credential, ProviderError>,
    ) -> Result<Arc<Held>, ProviderError> {
        let mut control = self.lock();
        if control.flight.as_ref().is_none_or(|flight| flight.number != number) {
            return Err(result.err().unwrap_or_else(|| ProviderError::transient("the fetch was given up")));
        }
        let now = self.time.now();
        match result.and_then(|credential| self.receive(&credential, now)) {
            Ok(held) => {
                control.flight = None;
                control.failure = None;
                self.slot.store(Arc::clone(&held));
                self.settle(&control, &now);
                control.replace_renewal(renewal::start(self));
                Ok(held)
            }
            Err(error) => {
                self.fail(&mut control, &now, error.clone());
                Err(error)
            }
        }
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

    fn fail(self: &Arc<Self>, control: &mut Control, now: &Reading, error: ProviderError) {
        control.fail(error, *now, (self.jitter)());
        self.settle(control, now);
        control.replace_renewal(renewal::start(self));
    }

    /// Tells requests until when they need not consult the cache.
    fn settle(&self, control: &Control, now: &Reading) {
        let quiet = match self.slot.load_full() {
            Some(held) => self.quiet(control, &held, now),
            None => Some(Duration::ZERO),
        };
        let until = quiet.map_or(u64::MAX, |quiet| {
            unix_nanos(now.wall).saturating_add(u64::try_from(quiet.as_nanos()).unwrap_or(u64::MAX))
        });
        self.slot.consult_at(until);
    }

    /// For how long a timer has nothing to do. `None` where it is not needed any more.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        let now = self.time.now();
        let control = self.lock();
        let held = self.usable_at(&now);
        if held.is_none() {
            // If the wall clock was set back, only the other one saw the end, and requests must hear of it.
            self.slot.consult_at(0);
        }
        self.quiet(&control, &*held?, &now)
    }

    /// For how long nothing is to be done about what is held. `None` is for ever.
    fn quiet(&self, control: &Control, held: &Held, now: &Reading) -> Option<Duration> {
        let age = now.since(&held.landed);
        let expires_in = held.schedule.expired.map(|expired| expired.saturating_sub(age));
        let act_in = match control.alive() {
            Some(flight) if flight.is_driven_by_callers() => Some(Duration::ZERO),
            // Should the flight be lost with its runtime, a request finds out then.
            Some(_) => Some(self.refresh.deadline + FOREIGN_GRACE),
            None => held.schedule.due.map(|due| due.saturating_sub(age).max(control.due_pause(now))),
        };
        match (expires_in, act_in) {
            (Some(expires_in), Some(act_in)) => Some(expires_in.min(act_in)),
            (either, None) | (None, either) => either,
        }
    }

    fn usable_at(&self, now: &Reading) -> Option<Arc<Held>> {
        self.slot.load_full().filter(|held| held.is_usable(now))
    }
}

impl Drop for State {
    fn drop(&mut self) {
        registry::unregister(self.number);
        self.control.get_mut().unwrap_or_else(PoisonError::into_inner).abort();
    }
}

/// One fetch, whatever the provider does, and its landing. Owns no cache: the last handle may go meanwhile.
async fn fetch(
    state: Weak<State>,
    provider: Arc<dyn ErasedProvider>,
    number: u64,
    deadline: Duration,
) -> Result<Arc<Held>, ProviderError> {
    let fetching = AssertUnwindSafe(provider.fetch_erased()).catch_unwind();
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
