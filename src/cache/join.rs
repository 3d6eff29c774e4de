//! Callers that need a credential: they take the cached one, an error, or wait for the one fetch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;

use super::entry::Entry;
use super::fetch::timed_out;
use super::in_flight::{InFlight, Outcome};
use super::renewal;
use super::shared::Shared;
use super::state::State;
use crate::clock::Reading;
use crate::error::ProviderError;
use crate::runtime::timeout;
use crate::sync::MutexGuard;

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

impl State {
    /// Returns the usable entry, or waits for the one fetch, starting it if need be. During a
    /// cool-down, returns its error at once.
    pub(crate) async fn get_or_fetch(self: Arc<Self>) -> Result<Arc<Entry>, ProviderError> {
        self.wait_until_done(Self::join).await
    }

    /// Returns an entry that stays usable for `wanted`, and fetches one if the cached one does not.
    pub(crate) async fn get_valid_for(
        self: Arc<Self>,
        wanted: Duration,
    ) -> Result<Arc<Entry>, ProviderError> {
        self.wait_until_done(|state| state.join_for(wanted)).await
    }

    /// Waits for a fetch, whatever is cached, also during a cool-down. A static credential is not
    /// fetched again.
    pub(crate) async fn force_fetch(self: Arc<Self>) -> Result<Arc<Entry>, ProviderError> {
        let since = Instant::now();
        for round in 0..MAX_ROUNDS {
            if self.is_static && self.slot.load_full().is_some() {
                return self.get_or_fetch().await;
            }
            let earlier = waited(since, round);
            self.abandon_overdue();
            let now = self.time.now();
            let joined = self.join_fetch(&mut self.lock(), &now);
            match self.wait(self.launch(joined, &now), earlier).await {
                // Unless it expired or was dropped since.
                Some(Ok(_)) => {
                    if let Some(cached) = self.usable() {
                        return Ok(cached);
                    }
                }
                Some(Err(error)) => return Err(error),
                None => {}
            }
        }
        Err(too_late())
    }

    /// Waits for fetches until `join` needs none. What a fetch brought is not returned itself: it
    /// may have expired or been dropped by the time the caller is polled.
    async fn wait_until_done(
        self: &Arc<Self>,
        join: impl Fn(&Arc<Self>) -> Join,
    ) -> Result<Arc<Entry>, ProviderError> {
        let since = Instant::now();
        for round in 0..MAX_ROUNDS {
            let earlier = waited(since, round);
            match join(self) {
                Join::Done(result) => return result,
                Join::Wait(in_flight) => {
                    if let Some(Err(error)) = self.wait(in_flight, earlier).await {
                        return Err(error);
                    }
                }
            }
        }
        Err(too_late())
    }

    /// Decides what a caller does that needs an entry usable for `wanted`.
    fn join_for(self: &Arc<Self>, wanted: Duration) -> Join {
        self.abandon_overdue();
        let now = self.time.now();
        let joined = {
            let mut shared = self.lock();
            let Some(entry) = self.usable_at(&now) else {
                return self.join_without_entry(shared, &now);
            };
            let time_left = entry.time_left(&now);
            if time_left.is_none_or(|left| left >= wanted) {
                return Join::Done(Ok(entry));
            }
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

    /// Decides what a caller does that needs a usable entry.
    pub(super) fn join(self: &Arc<Self>) -> Join {
        self.abandon_overdue();
        let now = self.time.now();
        let shared = self.lock();
        match self.usable_at(&now) {
            Some(entry) => Join::Done(Ok(entry)),
            None => self.join_without_entry(shared, &now),
        }
    }

    fn join_without_entry(
        self: &Arc<Self>,
        mut shared: MutexGuard<'_, Shared>,
        now: &Reading,
    ) -> Join {
        if let Some(error) = self.static_error(now) {
            return Join::Done(Err(error));
        }
        if shared.in_flight.is_none() {
            if let Some(error) = shared.cooldown_error(now) {
                drop(shared);
                renewal::ensure(self);
                return Join::Done(Err(error));
            }
        }
        let joined = self.join_fetch(&mut shared, now);
        drop(shared);
        Join::Wait(self.launch(joined, now))
    }

    /// Waits for the fetch, at most as long as it may take. A fetch that takes longer is ended here,
    /// for all its waiters: its own runtime may be blocked, or none drives it.
    ///
    /// A caller that has waited for `earlier` fetches waits for the rest of one timeout only, and
    /// leaves this fetch to the others.
    async fn wait(self: &Arc<Self>, in_flight: InFlight, earlier: Duration) -> Outcome {
        let limit = self.settings.fetch_timeout;
        let fetch = Arc::clone(in_flight.fetch());
        let (left, own) = (fetch.time_left(limit), limit.saturating_sub(earlier));
        if let Some(outcome) = timeout(left.min(own), in_flight).await {
            return outcome;
        }
        let error = timed_out(&*self.provider, limit);
        if own < left {
            return Some(Err(error));
        }
        self.complete(fetch.id, Err(error));
        fetch.abandon();
        InFlight::new(fetch).now_or_never().flatten()
    }
}

/// The time that a caller spent on earlier rounds.
fn waited(since: Instant, round: usize) -> Duration {
    match round {
        0 => Duration::ZERO,
        _ => since.elapsed(),
    }
}

fn too_late() -> ProviderError {
    ProviderError::transient(
        "each fetched credential had expired or was dropped before it could be used",
    )
}

fn too_short(wanted: Duration, time_left: Option<Duration>) -> ProviderError {
    let left = time_left.unwrap_or_default();
    ProviderError::permanent(format!(
        "no credential is valid for {wanted:?}: the newest is valid for {left:?}, ask for less"
    ))
}
