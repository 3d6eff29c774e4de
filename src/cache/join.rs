//! Callers that need a credential: they take the cached one, an error, or wait for the one fetch.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::entry::Entry;
use super::fetch::timed_out;
use super::in_flight::{InFlight, Outcome};
use super::state::State;
use crate::error::ProviderError;
use crate::runtime::timeout;

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
        if self.is_static {
            return self.get_or_fetch().await;
        }
        for _ in 0..MAX_ROUNDS {
            self.abandon_overdue();
            let now = self.time.now();
            let joined = self.join_fetch(&mut self.lock(), &now);
            match self.wait(self.launch(joined, &now)).await {
                Some(Ok(entry)) if entry.is_usable(&self.time.now()) => return Ok(entry),
                Some(Err(error)) => return Err(error),
                Some(Ok(_)) | None => {}
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
        for _ in 0..MAX_ROUNDS {
            match join(self) {
                Join::Done(result) => return result,
                Join::Wait(in_flight) => {
                    if let Some(Err(error)) = self.wait(in_flight).await {
                        return Err(error);
                    }
                }
            }
        }
        Err(too_late())
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
}

fn too_late() -> ProviderError {
    ProviderError::transient("each credential fetched was unusable by the time the caller ran")
}

fn too_short(wanted: Duration, time_left: Option<Duration>) -> ProviderError {
    let left = time_left.unwrap_or_default();
    ProviderError::permanent(format!(
        "no credential is valid for {wanted:?}: the newest one is for {left:?}, ask for less"
    ))
}
