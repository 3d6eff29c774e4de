//! What a cache changes under its lock.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::cooldown;
use super::entry::Entry;
use super::in_flight::Fetch;
use crate::clock::Reading;
use crate::error::ProviderError;
use crate::runtime::Task;

/// The least time between two due fetches.
const DUE_SPACING: Duration = Duration::from_secs(1);

/// What changes under the lock. No foreign code runs under it: no provider, clock, waker,
/// destructor of an error, or subscriber.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) in_flight: Option<Arc<Fetch>>,
    pub(super) failures: Option<FailureStreak>,
    pub(super) drops: DropStreak,
    pub(super) rejections: Rejections,
    pub(super) timer: Timer,
    fetches: u64,
    last_due: Option<Reading>,
}

/// The failures since the last success.
pub(super) struct FailureStreak {
    pub(super) error: ProviderError,
    pub(super) count: u32,
    at: Reading,
    /// How long the entry was still usable at the last failure. `None` if there was none.
    time_left: Option<Duration>,
    jitter: f64,
}

impl FailureStreak {
    /// What is left of the cool-down. `has_entry` says whether a usable entry is there now.
    pub(super) fn pause(&self, now: &Reading, has_entry: bool) -> Duration {
        let time_left = self.time_left.filter(|_| has_entry);
        cooldown::pause(&self.error, self.count, time_left, self.jitter)
            .saturating_sub(now.since(&self.at))
    }
}

/// The drops since a credential was last replaced that no server had rejected.
#[derive(Default)]
pub(super) struct DropStreak {
    count: u32,
    last: Option<Reading>,
}

impl DropStreak {
    /// Whether the last drop is too recent for another.
    pub(super) fn is_too_soon(&self, now: &Reading) -> bool {
        let spacing = cooldown::drop_spacing(self.count);
        self.last.is_some_and(|last| now.since(&last) < spacing)
    }

    pub(super) fn record(&mut self, now: Reading) {
        self.count = self.count.saturating_add(1);
        self.last = Some(now);
    }

    /// Ends the streak. The last drop still counts.
    pub(super) fn end(&mut self) {
        self.count = 0;
    }
}

/// The rejections of the current entry.
#[derive(Clone, Copy, Default)]
pub(super) struct Rejections {
    pub(super) count: u64,
    pub(super) last_at: Option<SystemTime>,
}

impl Rejections {
    pub(super) fn record(&mut self, at: SystemTime) {
        self.count = self.count.saturating_add(1);
        self.last_at = Some(at);
    }
}

/// The task that renews the entry ahead of time.
#[derive(Default)]
pub(super) struct Timer {
    pub(super) task: Option<Task>,
    /// Whether its runtime dropped it before it ended.
    pub(super) is_lost: bool,
    id: u64,
    ids: u64,
}

impl Timer {
    pub(super) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Makes this task the timer, unless a later one is. Returns the one that is not needed.
    pub(super) fn install(&mut self, id: u64, task: Task) -> Option<Task> {
        if id < self.id {
            return Some(task);
        }
        self.id = id;
        self.is_lost = false;
        self.task.replace(task)
    }

    /// Records that the runtime of this timer dropped it. Returns whether it was the current one, or
    /// a later one, which is not installed yet.
    pub(super) fn lose(&mut self, id: u64) -> bool {
        let is_current = self.id <= id;
        self.is_lost |= is_current;
        is_current
    }
}

impl Shared {
    pub(super) fn next_fetch_id(&mut self) -> u64 {
        self.fetches += 1;
        self.fetches
    }

    /// The error that callers get at once during a cool-down, when nothing usable is cached.
    pub(super) fn cooldown_error(&self, now: &Reading) -> Option<ProviderError> {
        let failures = self.failures.as_ref()?;
        (!failures.pause(now, false).is_zero()).then(|| failures.error.clone())
    }

    /// The time a due fetch has to wait.
    pub(super) fn due_pause(&self, now: &Reading) -> Duration {
        let cooldown = self.failures.as_ref().map(|f| f.pause(now, true));
        let spacing = self
            .last_due
            .map(|last| DUE_SPACING.saturating_sub(now.since(&last)));
        cooldown.max(spacing).unwrap_or_default()
    }

    /// The time a fetch has to wait where nothing usable is cached.
    pub(super) fn pause_without_entry(&self, now: &Reading) -> Duration {
        self.failures
            .as_ref()
            .map_or(Duration::ZERO, |failures| failures.pause(now, false))
    }

    pub(super) fn record_due(&mut self, now: Reading) {
        self.last_due = Some(now);
    }

    /// Whether a credential that arrives now, and replaces `previous`, was fetched on schedule.
    pub(super) fn is_on_schedule(&self, previous: Option<&Entry>, now: &Reading) -> bool {
        self.failures.is_none() && previous.is_some_and(|entry| entry.is_on_time(now))
    }

    /// Counts a failure. Returns the streak it replaces, to be dropped after the lock is released.
    pub(super) fn record_failure(
        &mut self,
        error: ProviderError,
        at: Reading,
        entry: Option<&Entry>,
        jitter: f64,
    ) -> Option<FailureStreak> {
        let usable = entry.filter(|entry| entry.is_usable(&at));
        let time_left = usable.map(|entry| entry.time_left(&at).unwrap_or(Duration::MAX));
        let count = self.failures.as_ref().map_or(0, |f| f.count);
        self.failures.replace(FailureStreak {
            error,
            count: count.saturating_add(1),
            at,
            time_left,
            jitter,
        })
    }

    /// Ends what was about the last entry. Returns the failures, to be dropped after the lock is
    /// released.
    pub(super) fn record_success(&mut self) -> Option<FailureStreak> {
        // An entry that no server rejected shows that the streak is over.
        if self.rejections.count == 0 {
            self.drops.end();
        }
        self.rejections = Rejections::default();
        self.failures.take()
    }
}
