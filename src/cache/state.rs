//! What all clones of a cache share, and every change it goes through.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::control::Control;
use super::flight::Flight;
use super::refresh::Refresh;
use super::registry;
use super::schedule::Freshness;
use super::slot::{Held, Slot};
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
    pub(super) refresh: Refresh,
    pub(crate) time: TimeSource,
    pub(crate) slot: Slot,
    control: Mutex<Control>,
    pub(crate) number: u32,
    pub(super) jitter: fn() -> f64,
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
                    if self.slot.settled(unix_nanos(now.wall)).is_none() {
                        let control = self.lock();
                        self.settle(&control, &self.time.now());
                    }
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

    /// Drops what is held if `refused` says it is that, within the limits on drops.
    pub(crate) fn reject(&self, refused: impl FnOnce(&Held) -> bool) -> Refusal {
        let mut control = self.lock();
        if self.is_static {
            return Refusal::Kept;
        }
        let Some(held) = self.slot.load_full().filter(|held| refused(held)) else {
            return Refusal::Replaced;
        };
        let now = self.time.now();
        let too_young = now.since(&held.landed) < MIN_AGE_TO_DROP;
        let too_soon = control
            .last_drop
            .is_some_and(|last| now.since(&last) < DROP_SPACING);
        if too_young || too_soon {
            return Refusal::Kept;
        }
        control.last_drop = Some(now);
        self.slot.clear();
        drop(control);
        telemetry::dropped(&held.credential);
        Refusal::Dropped
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the due fetch unless one runs or it is too early. Returns the flight if nobody drives
    /// it.
    fn renew(self: &Arc<Self>, now: &Reading) -> Option<Flight> {
        self.discard_overdue();
        let mut control = self.lock();
        let due = |held: &Arc<Held>| held.freshness(now) == Freshness::Due;
        if !self.slot.load_full().as_ref().is_some_and(due) {
            // Another thread's renewal landed meanwhile.
            return None;
        }
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

    /// Tells requests until when they need not consult the cache.
    pub(super) fn settle(&self, control: &Control, now: &Reading) {
        let quiet = match self.slot.load_full() {
            Some(held) => self.quiet(control, &held, now),
            None => Some(Duration::ZERO),
        };
        let until = match quiet {
            None => u64::MAX,
            // Not `now`: a request's clock may be a tick behind, or set back, and what was dropped
            // must not go out again.
            Some(Duration::ZERO) => 0,
            Some(quiet) => unix_nanos(now.wall)
                .saturating_add(u64::try_from(quiet.as_nanos()).unwrap_or(u64::MAX)),
        };
        self.slot.consult_at(until);
    }

    /// For how long a timer has nothing to do. `None` where it is not needed any more.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        let now = self.time.now();
        let control = self.lock();
        let held = self.usable_at(&now);
        if held.is_none() {
            // If the wall clock was set back, only the other one saw the end, and requests must
            // hear of it.
            self.slot.consult_at(0);
        }
        self.quiet(&control, &*held?, &now)
    }

    /// For how long nothing is to be done about what is held. `None` is for ever.
    fn quiet(&self, control: &Control, held: &Held, now: &Reading) -> Option<Duration> {
        let age = now.since(&held.landed);
        let expires_in = held
            .schedule
            .expired
            .map(|expired| expired.saturating_sub(age));
        let hold = match control.alive() {
            // Each request polls it on.
            Some(flight) if flight.is_driven_by_callers() => Duration::ZERO,
            // Should it be lost with its runtime, a request finds out then.
            Some(flight) => flight.left(self.refresh.deadline),
            None => control.due_pause(now),
        };
        let act_in = held
            .schedule
            .due
            .map(|due| due.saturating_sub(age).max(hold));
        match (expires_in, act_in) {
            (Some(expires_in), Some(act_in)) => Some(expires_in.min(act_in)),
            (either, None) | (None, either) => either,
        }
    }

    pub(super) fn usable_at(&self, now: &Reading) -> Option<Arc<Held>> {
        self.slot.load_full().filter(|held| held.is_usable(now))
    }
}

impl Drop for State {
    fn drop(&mut self) {
        registry::unregister(self.number);
        self.control
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .abort();
    }
}
