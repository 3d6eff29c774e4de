//! The one fetch: how it starts, who waits for it, and what it brings.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use futures_util::FutureExt;

use super::entry::Entry;
use super::in_flight::{Driver, Fetch, InFlight, Outcome};
use super::renewal;
use super::schedule::{Jitter, Schedule};
use super::shared::{FailureStreak, Shared};
use super::state::{State, with_expiry_of_arrival};
use crate::clock::Reading;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::ErasedProvider;
use crate::runtime::{Runtime, timeout};
use crate::telemetry;

/// How often a caller joins a fetch whose credential is unusable by the time the caller is polled.
const MAX_ROUNDS: usize = 5;

/// A younger entry is not replaced for being valid too shortly: its source would bring the same.
const MIN_AGE_TO_REPLACE: Duration = Duration::from_secs(60);

/// What a caller does next.
pub(super) enum Join {
    /// Waits for the fetch in flight.
    Wait(InFlight),
    /// Takes this, without a fetch.
    Done(Result<Arc<Entry>, ProviderError>),
}

/// A fetch that a caller joined under the lock. A new one is launched once the lock is released.
pub(super) struct Joined {
    fetch: Arc<Fetch>,
    is_new: bool,
}

/// What a completed fetch changed.
struct Recorded {
    fetch: Arc<Fetch>,
    result: Result<Arc<Entry>, ProviderError>,
    failures: u32,
    is_usable: bool,
    /// The failures before it, dropped with this: after the lock is released.
    _replaced: Option<FailureStreak>,
}

impl State {
    /// Returns the usable entry, or waits for the one fetch, starting it if need be. During a
    /// cool-down, returns its error at once.
    pub(crate) async fn get_or_fetch(self: Arc<Self>) -> Result<Arc<Entry>, ProviderError> {
        for _ in 0..MAX_ROUNDS {
            match self.join() {
                Join::Done(result) => return result,
                Join::Wait(in_flight) => {
                    // What it brought may have expired or been dropped since: look again.
                    if let Some(Err(error)) = self.wait(in_flight).await {
                        return Err(error);
                    }
                }
            }
        }
        Err(self.too_late())
    }

    /// Waits for a fetch, whatever is cached, also during a cool-down.
    pub(crate) async fn force_fetch(self: Arc<Self>) -> Result<Arc<Entry>, ProviderError> {
        for _ in 0..MAX_ROUNDS {
            let now = self.time.now();
            if self.is_static && self.slot.load_full().is_some() {
                return self
                    .static_error(&now)
                    .map_or_else(|| self.usable_at(&now).ok_or_else(|| self.too_late()), Err);
            }
            self.abandon_overdue();
            let joined = self.join_fetch(&mut self.lock(), &now);
            match self.wait(self.launch(joined, &now)).await {
                Some(Ok(entry)) if entry.is_usable(&self.time.now()) => return Ok(entry),
                Some(Err(error)) => return Err(error),
                Some(Ok(_)) | None => {}
            }
        }
        Err(self.too_late())
    }

    /// Returns an entry that stays usable for `wanted`, and fetches one if the cached one does not.
    pub(crate) async fn get_valid_for(
        self: Arc<Self>,
        wanted: Duration,
    ) -> Result<Arc<Entry>, ProviderError> {
        for _ in 0..MAX_ROUNDS {
            match self.join_for(wanted) {
                Join::Done(result) => return result,
                Join::Wait(in_flight) => {
                    if let Some(Err(error)) = self.wait(in_flight).await {
                        return Err(error);
                    }
                }
            }
        }
        Err(self.too_late())
    }

    /// Decides what a caller does that needs an entry usable for `wanted`.
    fn join_for(self: &Arc<Self>, wanted: Duration) -> Join {
        let now = self.time.now();
        let Some(entry) = self.usable_at(&now) else {
            return self.join();
        };
        let time_left = entry.time_left(&now);
        if time_left.is_none_or(|left| left >= wanted) {
            return Join::Done(Ok(entry));
        }
        let joined = {
            let mut shared = self.lock();
            if shared.in_flight.is_none() {
                // A source that has just answered, or failed, is not asked again by each caller.
                let is_new = now.since(&entry.fetched_at) < MIN_AGE_TO_REPLACE;
                if is_new || self.is_static {
                    return Join::Done(Err(too_short(wanted, time_left)));
                }
                let failures = shared.failures.as_ref();
                if let Some(failures) = failures.filter(|f| !f.pause(&now, true).is_zero()) {
                    return Join::Done(Err(failures.error.clone()));
                }
            }
            self.join_fetch(&mut shared, &now)
        };
        Join::Wait(self.launch(joined, &now))
    }

    /// Decides what a caller without a usable entry does.
    pub(super) fn join(self: &Arc<Self>) -> Join {
        self.abandon_overdue();
        let now = self.time.now();
        let joined = {
            let mut shared = self.lock();
            if let Some(entry) = self.usable_at(&now) {
                return Join::Done(Ok(entry));
            }
            if let Some(error) = self.static_error(&now) {
                return Join::Done(Err(error));
            }
            if shared.in_flight.is_none() {
                if let Some(error) = shared.cooldown_error(&now) {
                    return Join::Done(Err(error));
                }
            }
            self.join_fetch(&mut shared, &now)
        };
        Join::Wait(self.launch(joined, &now))
    }

    /// Joins the fetch in flight, or registers a new one.
    pub(super) fn join_fetch(self: &Arc<Self>, shared: &mut Shared, now: &Reading) -> Joined {
        if let Some(fetch) = &shared.in_flight {
            return Joined {
                fetch: Arc::clone(fetch),
                is_new: false,
            };
        }
        let id = shared.next_fetch_id();
        let driver = match Runtime::current() {
            Some(_) => Driver::Task(OnceLock::new()),
            None => self.driven_by_waiters(id),
        };
        let fetch = Arc::new(Fetch::new(id, now.wall, driver));
        shared.in_flight = Some(Arc::clone(&fetch));
        Joined {
            fetch,
            is_new: true,
        }
    }

    /// Starts a new fetch, and returns a waiter of it.
    pub(super) fn launch(self: &Arc<Self>, joined: Joined, now: &Reading) -> InFlight {
        let Joined { fetch, is_new } = joined;
        let runtime = Runtime::current().filter(|_| is_new && !fetch.is_driven_by_waiters());
        let Some(runtime) = runtime else {
            return InFlight::new(fetch);
        };
        let limit = self.settings.fetch_timeout;
        fetch.set_task(runtime.spawn(self.run(fetch.id, Some(limit))));
        if fetch.is_abandoned() {
            return InFlight::new(self.replace_refused(now));
        }
        InFlight::new(fetch)
    }

    /// The fetch to wait for where a runtime that shuts down dropped the task at once.
    fn replace_refused(self: &Arc<Self>, now: &Reading) -> Arc<Fetch> {
        let mut shared = self.lock();
        if let Some(fetch) = &shared.in_flight {
            return Arc::clone(fetch);
        }
        let id = shared.next_fetch_id();
        let fetch = Arc::new(Fetch::new(id, now.wall, self.driven_by_waiters(id)));
        shared.in_flight = Some(Arc::clone(&fetch));
        self.publish_next_lookup(&shared, now);
        fetch
    }

    fn driven_by_waiters(self: &Arc<Self>, id: u64) -> Driver {
        Driver::Waiters(Mutex::new(Some(Box::pin(self.run(id, None)))))
    }

    /// The fetch itself, to be polled by a task or by waiters. Owns no cache, whose last handle may
    /// be dropped meanwhile.
    ///
    /// Only a task has a limit of its own. Waiters enforce theirs, each on the runtime it runs on.
    fn run(
        self: &Arc<Self>,
        id: u64,
        limit: Option<Duration>,
    ) -> impl Future<Output = ()> + Send + use<> {
        // Made here, not in the future: a runtime may drop that before it is polled.
        let guard = AbandonOnDrop {
            state: Arc::downgrade(self),
            id,
        };
        let provider = Arc::clone(&self.provider);
        async move {
            let result = fetch(provider, limit).await;
            if let Some(state) = guard.state.upgrade() {
                state.complete(id, result);
            }
        }
    }

    /// Waits for the fetch, at most as long as it may take. A fetch that takes longer is ended here,
    /// for all its waiters: its own runtime may be blocked, or none drives it.
    async fn wait(self: &Arc<Self>, in_flight: InFlight) -> Outcome {
        let fetch = Arc::clone(in_flight.fetch());
        let limit = fetch.time_left(self.settings.fetch_timeout);
        match timeout(limit, in_flight).await {
            Some(outcome) => outcome,
            None => {
                self.complete(
                    fetch.id,
                    Err(timed_out(&*self.provider, self.settings.fetch_timeout)),
                );
                fetch.abandon();
                InFlight::new(fetch).now_or_never().flatten()
            }
        }
    }

    /// Abandons a fetch that nothing polls any more. The next caller starts another.
    pub(super) fn abandon_overdue(&self) {
        self.abandon_if(|fetch| fetch.is_overdue(self.settings.fetch_timeout));
    }

    fn abandon_if(&self, condition: impl Fn(&Fetch) -> bool) {
        let abandoned = self.lock().in_flight.take_if(|fetch| condition(fetch));
        if let Some(fetch) = abandoned {
            fetch.abandon();
        }
    }

    /// Ends the fetch of this id, unless another has taken its place: stores the result, restarts
    /// the timer, emits telemetry and wakes the waiters, in this order.
    fn complete(self: &Arc<Self>, id: u64, result: Result<Credential, ProviderError>) {
        let now = self.time.now();
        let Some(recorded) = self.record(id, result, now) else {
            return;
        };
        renewal::restart(self);
        recorded.report();
        recorded.fetch.finish(Some(recorded.result));
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
                shared.record_success(previous.is_some())
            }
            Err(error) => {
                let usable = previous.filter(|entry| entry.is_usable(&now));
                let time_left = usable.map(|entry| entry.time_left(&now).unwrap_or(Duration::MAX));
                shared.record_failure(error.clone(), now, time_left, (self.random)())
            }
        };
        self.publish_next_lookup(&shared, &now);
        Some(Recorded {
            fetch,
            result,
            failures: shared
                .failures
                .as_ref()
                .map_or(0, |failures| failures.count),
            is_usable: self.usable_at(&now).is_some(),
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
        let on_schedule = shared.failures.is_none()
            && previous
                .is_some_and(|entry| entry.schedule.is_on_time(now.since(&entry.fetched_at)));
        let jitter = Jitter {
            always: (self.random)(),
            off_schedule: (!on_schedule).then(self.random),
        };
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

    fn too_late(&self) -> ProviderError {
        ProviderError::transient("each credential fetched was unusable by the time the caller ran")
    }
}

impl Recorded {
    fn report(&self) {
        let took = self.fetch.elapsed();
        match &self.result {
            Ok(entry) => telemetry::fetched(&entry.credential, entry.generation, took),
            Err(error) => telemetry::fetch_failed(error, self.failures, self.is_usable, took),
        }
    }
}

/// Fetches, whatever the provider does.
async fn fetch(
    provider: Arc<dyn ErasedProvider>,
    limit: Option<Duration>,
) -> Result<Credential, ProviderError> {
    let fetching = telemetry::in_fetch_span(Arc::clone(&provider).fetch_erased());
    let limited = async {
        match limit {
            Some(limit) => timeout(limit, fetching)
                .await
                .unwrap_or_else(|| Err(timed_out(&*provider, limit))),
            None => fetching.await,
        }
    };
    AssertUnwindSafe(limited)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(ProviderError::transient("the provider panicked")))
}

fn too_short(wanted: Duration, time_left: Option<Duration>) -> ProviderError {
    let left = time_left.unwrap_or_default();
    ProviderError::permanent(format!(
        "no credential is valid for {wanted:?}: the newest one is for {left:?}, ask for less"
    ))
}

fn timed_out(_provider: &dyn ErasedProvider, limit: Duration) -> ProviderError {
    ProviderError::transient(format!("no credential within {limit:?}"))
}

/// Abandons the fetch of a task that its runtime dropped before it ended.
struct AbandonOnDrop {
    state: Weak<State>,
    id: u64,
}

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        if let Some(state) = self.state.upgrade() {
            state.abandon_if(|fetch| fetch.id == self.id);
        }
    }
}
