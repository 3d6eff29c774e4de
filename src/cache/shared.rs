//! What a cache changes under its lock: the flight, the failures, and when things last happened.

use std::time::Duration;

use super::cooldown;
use super::in_flight::InFlight;
use crate::clock::Reading;
use crate::error::ProviderError;
use crate::runtime::Task;

/// Two due fetches are at least this far apart.
const DUE_SPACING: Duration = Duration::from_secs(1);

/// What changes under the lock. The lock is never held across an await, nor while a provider runs.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) flight: Option<InFlight>,
    pub(super) flights: u64,
    pub(super) failure: Option<FailureStreak>,
    pub(super) last_drop: Option<Reading>,
    last_due: Option<Reading>,
    renewal: Option<Task>,
}

/// The failures since the last success.
pub(super) struct FailureStreak {
    pub(super) error: ProviderError,
    pub(super) in_a_row: u32,
    at: Reading,
    jitter: f64,
}

impl FailureStreak {
    /// What is left of the cool-down.
    pub(super) fn pause(&self, now: &Reading, holding: bool) -> Duration {
        cooldown::pause(&self.error, self.in_a_row, holding, self.jitter)
            .saturating_sub(now.since(&self.at))
    }
}

impl Shared {
    /// The flight under way, unless it lost its runtime.
    pub(super) fn in_flight(&self) -> Option<&InFlight> {
        self.flight.as_ref().filter(|flight| !flight.is_lost())
    }

    /// The error that requests fail with while a cool-down lasts.
    pub(super) fn cooldown_error(&self, now: &Reading, holding: bool) -> Option<ProviderError> {
        let failure = self.failure.as_ref()?;
        (!failure.pause(now, holding).is_zero()).then(|| failure.error.clone())
    }

    /// How long a due fetch has to wait.
    pub(super) fn due_pause(&self, now: &Reading) -> Duration {
        let cooling = self
            .failure
            .as_ref()
            .map(|failure| failure.pause(now, true));
        let spacing = self
            .last_due
            .map(|last| DUE_SPACING.saturating_sub(now.since(&last)));
        cooling.max(spacing).unwrap_or_default()
    }

    pub(super) fn note_due(&mut self, now: Reading) {
        self.last_due = Some(now);
    }

    pub(super) fn fail(&mut self, error: ProviderError, at: Reading, jitter: f64) {
        let in_a_row = self
            .failure
            .as_ref()
            .map_or(0, |failure| failure.in_a_row)
            .saturating_add(1);
        self.failure = Some(FailureStreak {
            error,
            in_a_row,
            at,
            jitter,
        });
    }

    pub(super) fn replace_renewal(&mut self, renewal: Task) {
        if let Some(old) = self.renewal.replace(renewal) {
            old.abort();
        }
    }

    /// Ends all that runs on behalf of the cache.
    pub(super) fn abort(&mut self) {
        if let Some(renewal) = self.renewal.take() {
            renewal.abort();
        }
        if let Some(flight) = self.flight.take() {
            flight.abort();
        }
    }
}
