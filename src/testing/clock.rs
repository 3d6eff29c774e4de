//! A clock moved by hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::clock::{Clock, Reading};

/// A [`Clock`] that stands still until it is moved. Clones are one clock. It starts at the time it
/// was made.
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
    /// A clock that shows the present until it is moved.
    pub fn new() -> Self {
        let now = Reading {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
        };
        Self {
            now: Arc::new(Mutex::new(now)),
        }
    }

    /// Both clocks go on.
    pub fn advance(&self, by: Duration) {
        self.advance_wall(by);
        self.advance_monotonic(by);
    }

    /// The wall clock alone goes on, as when a suspended machine wakes.
    pub fn advance_wall(&self, by: Duration) {
        self.change(|now| now.wall += by);
    }

    /// The wall clock alone goes back, as when a clock that was ahead is set.
    pub fn rewind_wall(&self, by: Duration) {
        self.change(|now| now.wall -= by);
    }

    /// The monotonic clock alone goes on.
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
