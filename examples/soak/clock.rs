//! A clock that runs faster than real time.

use std::time::{Duration, Instant, SystemTime};

use yandex_cloud_auth::Clock;

/// The seconds of this clock in one real second. Limits of minutes then fit into a run of seconds.
pub(crate) const RATE: u32 = 60;

/// The system's clocks at the start, plus [`RATE`] times the real time since then.
#[derive(Clone)]
pub(crate) struct FastClock {
    wall: SystemTime,
    monotonic: Instant,
}

impl FastClock {
    pub(crate) fn start() -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
        }
    }

    /// The real time at which this clock shows `wall`.
    pub(crate) fn real(&self, wall: SystemTime) -> Instant {
        let since = wall.duration_since(self.wall).unwrap_or_default();
        self.monotonic + since / RATE
    }

    fn elapsed(&self) -> Duration {
        self.monotonic.elapsed() * RATE
    }
}

impl Clock for FastClock {
    fn wall(&self) -> SystemTime {
        self.wall + self.elapsed()
    }

    fn monotonic(&self) -> Instant {
        self.monotonic + self.elapsed()
    }
}
