//! What all clones of a cache share, and every change it goes through.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::builder::Settings;
use super::in_flight::InFlight;
use super::registry;
use super::schedule::Freshness;
use super::shared::Shared;
use super::slot::{Entry, Slot};
use crate::clock::{Reading, TimeSource, unix_nanos};
use crate::provider::ErasedProvider;
use crate::telemetry;

/// A credential younger than this is not dropped: what refused it may not have seen it yet.
const MIN_AGE_TO_DROP: Duration = Duration::from_secs(5);

/// Two drops are at least this far apart: a principal that is always refused must not become a
/// stampede.
const DROP_SPACING: Duration = Duration::from_secs(30);

/// What all clones of a cache share.
pub(crate) struct State {
    pub(super) provider: Arc<dyn ErasedProvider>,
    pub(super) is_static: bool,
    pub(super) settings: Settings,
    pub(crate) time: TimeSource,
    pub(crate) slot: Slot,
    shared: Mutex<Shared>,
    pub(crate) number: u32,
    pub(super) jitter: fn() -> f64,
}

/// What a request finds in the cache.
pub(crate) enum Lookup {
    /// Use it. A flight that nobody else drives is to be polled beside the request.
    Hit(Arc<Entry>, Option<InFlight>),
    /// Wait for the flight.
    Miss,
}

/// What became of a credential that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// It was dropped.
    Dropped,
    /// It is still entry, and the next request will carry it again.
    Kept,
    /// It was no longer entry.
    Replaced,
}

impl State {
    pub(super) fn new(
        provider: Arc<dyn ErasedProvider>,
        settings: Settings,
        time: TimeSource,
        jitter: fn() -> f64,
    ) -> Arc<Self> {
        let number = registry::next_number();
        let state = Arc::new(Self {
            is_static: provider.is_static_erased(),
            provider,
            settings,
            time,
            slot: Slot::new(),
            shared: Mutex::default(),
            number,
            jitter,
        });
        registry::register(number, &state);
        state
    }

    /// What is entry, with one fetch running if it is due.
    pub(crate) fn lookup(self: &Arc<Self>) -> Lookup {
        let now = self.time.now();
        match self.slot.load_full() {
            Some(entry) => match entry.freshness(&now) {
                Freshness::Fresh => {
                    if self.slot.current_generation(unix_nanos(now.wall)).is_none() {
                        let shared = self.lock();
                        self.publish_next_lookup(&shared, &self.time.now());
                    }
                    Lookup::Hit(entry, None)
                }
                Freshness::Due => Lookup::Hit(entry, self.renew(&now)),
                Freshness::Expired => Lookup::Miss,
            },
            None => Lookup::Miss,
        }
    }

    /// What is usable now by both clocks.
    pub(crate) fn usable(&self) -> Option<Arc<Entry>> {
        let now = self.time.now();
        self.slot.load_full().filter(|entry| entry.is_usable(&now))
    }

    /// Drops what is held if `refused` says it is that, within the limits on drops.
    pub(crate) fn reject(&self, refused: impl FnOnce(&Entry) -> bool) -> Rejection {
        let mut shared = self.lock();
        if self.is_static {
            return Rejection::Kept;
        }
        let Some(entry) = self.slot.load_full().filter(|entry| refused(entry)) else {
            return Rejection::Replaced;
        };
        let now = self.time.now();
        let too_young = now.since(&entry.fetched_at) < MIN_AGE_TO_DROP;
        let too_soon = shared
            .last_drop
            .is_some_and(|last| now.since(&last) < DROP_SPACING);
        if too_young || too_soon {
            return Rejection::Kept;
        }
        shared.last_drop = Some(now);
        self.slot.clear();
        drop(shared);
        telemetry::dropped(&entry.credential);
        Rejection::Dropped
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the due fetch unless one runs or it is too early. Returns the flight if nobody drives
    /// it.
    fn renew(self: &Arc<Self>, now: &Reading) -> Option<InFlight> {
        self.discard_overdue();
        let mut shared = self.lock();
        let due = |entry: &Arc<Entry>| entry.freshness(now) == Freshness::Due;
        if !self.slot.load_full().as_ref().is_some_and(due) {
            // Another thread's renewal landed meanwhile.
            return None;
        }
        if shared.in_flight().is_none() {
            if !shared.due_pause(now).is_zero() {
                self.publish_next_lookup(&shared, now);
                return None;
            }
            shared.note_due(*now);
        }
        let flight = self.flight(&mut shared);
        self.publish_next_lookup(&shared, now);
        flight.is_driven_by_callers().then_some(flight)
    }

    /// Tells requests until when they need not consult the cache.
    pub(super) fn publish_next_lookup(&self, shared: &Shared, now: &Reading) {
        let wait = match self.slot.load_full() {
            Some(entry) => self.time_to_next_lookup(shared, &entry, now),
            None => Some(Duration::ZERO),
        };
        let until = match wait {
            None => u64::MAX,
            // Not `now`: a request's clock may be a tick behind, or set back, and what was dropped
            // must not go out again.
            Some(Duration::ZERO) => 0,
            Some(wait) => unix_nanos(now.wall)
                .saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)),
        };
        self.slot.next_lookup_at(until);
    }

    /// For how long a timer has nothing to do. `None` where it is not needed any more.
    pub(super) fn next_wakeup(&self) -> Option<Duration> {
        let now = self.time.now();
        let shared = self.lock();
        let entry = self.usable_at(&now);
        if entry.is_none() {
            // If the wall clock was set back, only the other one saw the end, and requests must
            // hear of it.
            self.slot.next_lookup_at(0);
        }
        self.time_to_next_lookup(&shared, &*entry?, &now)
    }

    /// For how long nothing is to be done about what is entry. `None` is for ever.
    fn time_to_next_lookup(
        &self,
        shared: &Shared,
        entry: &Entry,
        now: &Reading,
    ) -> Option<Duration> {
        let age = now.since(&entry.fetched_at);
        let expires_in = entry
            .schedule
            .expired
            .map(|expired| expired.saturating_sub(age));
        let hold = match shared.in_flight() {
            // Each request polls it on.
            Some(flight) if flight.is_driven_by_callers() => Duration::ZERO,
            // Should it be lost with its runtime, a request finds out then.
            Some(flight) => flight.left(self.settings.fetch_timeout),
            None => shared.due_pause(now),
        };
        let act_in = entry
            .schedule
            .due
            .map(|due| due.saturating_sub(age).max(hold));
        match (expires_in, act_in) {
            (Some(expires_in), Some(act_in)) => Some(expires_in.min(act_in)),
            (either, None) | (None, either) => either,
        }
    }

    pub(super) fn usable_at(&self, now: &Reading) -> Option<Arc<Entry>> {
        self.slot.load_full().filter(|entry| entry.is_usable(now))
    }
}

impl Drop for State {
    fn drop(&mut self) {
        registry::unregister(self.number);
        self.shared
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .abort();
    }
}
