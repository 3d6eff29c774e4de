//! What all clones of a cache share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use futures_util::FutureExt;

use super::entry::Entry;
use super::registry::{self, CacheId};
use super::schedule::{self, Schedule};
use super::settings::Settings;
use super::shared::Shared;
use super::slot::Slot;
use crate::clock::{Reading, TimeSource};
use crate::credential::{Credential, Scheme};
use crate::error::ProviderError;
use crate::provider::ErasedProvider;
use crate::sync::{AtomicBool, Mutex, MutexGuard};
use crate::telemetry;

/// What all clones of a cache share: the entry, which requests read without a lock, and the rest,
/// which changes under one.
pub(crate) struct State {
    pub(super) provider: Arc<dyn ErasedProvider>,
    pub(super) is_static: bool,
    pub(super) settings: Settings,
    pub(crate) time: TimeSource,
    pub(crate) slot: Slot,
    shared: Mutex<Shared>,
    /// Whether the timer runs.
    pub(super) has_timer: AtomicBool,
    /// `None` if this process has no id left. Then no rejection reaches this cache.
    pub(crate) id: Option<CacheId>,
    pub(super) random: fn() -> f64,
}

impl State {
    pub(super) fn new(
        provider: Arc<dyn ErasedProvider>,
        settings: Settings,
        time: TimeSource,
        random: fn() -> f64,
    ) -> Arc<Self> {
        let state = Arc::new(Self {
            is_static: provider.is_static_erased(),
            provider,
            settings,
            time,
            slot: Slot::new(),
            shared: Mutex::default(),
            has_timer: AtomicBool::new(false),
            id: registry::next_id(),
            random,
        });
        if let Some(id) = state.id {
            let weak = Arc::downgrade(&state);
            registry::register(id, weak);
        }
        state.store_static();
        state
    }

    /// Stores a static provider's credential, so that it can be used without a first request.
    ///
    /// A provider that has to wait for its credential, or to run on a runtime, is fetched from like
    /// any other.
    fn store_static(&self) {
        if !self.is_static {
            return;
        }
        let fetch = || Arc::clone(&self.provider).fetch_erased().now_or_never();
        let Ok(Some(Ok(credential))) = catch_unwind(AssertUnwindSafe(fetch)) else {
            return;
        };
        let entry = self.static_entry(&credential, self.time.now());
        self.slot.store(Arc::new(entry));
    }

    pub(super) fn static_entry(&self, credential: &Credential, now: Reading) -> Entry {
        Entry {
            schedule: Schedule::of_static(credential, now.wall),
            credential: with_expiry_of_arrival(credential, &now),
            generation: self.slot.generation() + 1,
            fetched_at: now,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the entry if both clocks agree that it is usable.
    pub(super) fn usable_at(&self, now: &Reading) -> Option<Arc<Entry>> {
        self.slot.load_full().filter(|entry| entry.is_usable(now))
    }

    /// Returns the entry if it is usable now.
    pub(crate) fn usable(&self) -> Option<Arc<Entry>> {
        self.usable_at(&self.time.now())
    }

    pub(super) fn report_expiry(&self) {
        let entry = self.slot.load_full();
        let credential = entry.as_deref().map(|entry| &entry.credential);
        telemetry::expiry(credential, self.time.now().wall);
    }

    /// The error of a static credential that ended. It is never fetched again.
    pub(super) fn static_error(&self, now: &Reading) -> Option<ProviderError> {
        let entry = self.slot.load_full().filter(|_| self.is_static)?;
        let end = entry.credential.expires_at()?;
        if entry.is_usable(now) {
            return None;
        }
        let ago = now.wall.duration_since(end).unwrap_or_default().as_secs();
        let unix = end.duration_since(std::time::UNIX_EPOCH);
        Some(ProviderError::permanent(format!(
            "the {} expired {ago} s ago, at Unix time {}: provide a new one",
            noun(entry.credential.scheme()),
            unix.unwrap_or_default().as_secs()
        )))
    }
}

const fn noun(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::ApiKey => "API key",
        Scheme::Bearer => "IAM token",
    }
}

/// The credential with its lifetime, if it has one, as an expiry by the wall clock.
pub(super) fn with_expiry_of_arrival(credential: &Credential, now: &Reading) -> Credential {
    match schedule::expires_at(credential.expiry(), now.wall) {
        Some(at) => credential.clone().with_expiry(at),
        None => credential.clone(),
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            registry::unregister(id);
        }
        let shared = self
            .shared
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = shared.timer.task.take() {
            task.abort();
        }
        if let Some(fetch) = shared.in_flight.take() {
            fetch.abandon();
        }
    }
}
