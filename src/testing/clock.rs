//! A clock that a test advances.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::clock::{Clock, Reading};

/// A [`Clock`] that changes only when a test advances or rewinds it.
///
/// It starts at the time of its creation. Clones share their time. The methods panic if the new
/// time cannot be represented.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use yandex_cloud_auth::{Clock, testing::ManualClock};
///
/// let clock = ManualClock::new();
/// let (wall, monotonic) = (clock.wall(), clock.monotonic());
/// clock.advance(Duration::from_secs(60));
/// clock.rewind_wall(Duration::from_secs(10));
/// assert_eq!(clock.wall(), wall + Duration::from_secs(50));
/// assert_eq!(clock.monotonic(), monotonic + Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<Mutex<Reading>>,
}

impl ManualClock {
    /// Creates a clock that shows the current time until it is advanced or rewound.
    pub fn new() -> Self {
        let now = Reading {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
        };
        Self {
            now: Arc::new(Mutex::new(now)),
        }
    }

    /// Advances the wall clock and the monotonic clock.
    pub fn advance(&self, by: Duration) {
        self.advance_wall(by);
        self.advance_monotonic(by);
    }

    /// Advances only the wall clock, as when a suspended machine resumes.
    pub fn advance_wall(&self, by: Duration) {
        self.change(|now| now.wall += by);
    }

    /// Sets back only the wall clock, as when a clock that is ahead is corrected.
    pub fn rewind_wall(&self, by: Duration) {
        self.change(|now| now.wall -= by);
    }

    /// Advances only the monotonic clock, as when the wall clock is set back while time passes.
    pub fn advance_monotonic(&self, by: Duration) {
        self.change(|now| now.monotonic += by);
    }

    fn change(&self, change: impl FnOnce(&mut Reading)) {
        change(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn now(&self) -> Reading {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> SystemTime {
        self.now().wall
    }

    fn monotonic(&self) -> Instant {
        self.now().monotonic
    }
}
