//! The clocks of the cache, moved by events alone.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use yandex_cloud_auth::Clock;

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) wall: SystemTime,
    pub(crate) monotonic: Instant,
}

impl Reading {
    /// The time since `earlier` by the clock that moved further.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        wall.max(self.monotonic - earlier.monotonic)
    }
}

/// Clones share their time.
#[derive(Clone)]
pub(crate) struct Clocks(Arc<Mutex<Reading>>);

impl Clocks {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Reading {
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
            monotonic: Instant::now(),
        })))
    }

    pub(crate) fn now(&self) -> Reading {
        *self.0.lock().unwrap()
    }

    pub(crate) fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        now.wall += by;
        now.monotonic += by;
    }

    pub(crate) fn step_wall(&self, seconds: i64) {
        let by = Duration::from_secs(seconds.unsigned_abs());
        let mut now = self.0.lock().unwrap();
        if seconds < 0 {
            now.wall -= by;
        } else {
            now.wall += by;
        }
    }
}

impl Clock for Clocks {
    fn wall(&self) -> SystemTime {
        self.now().wall
    }

    fn monotonic(&self) -> Instant {
        self.now().monotonic
    }
}
