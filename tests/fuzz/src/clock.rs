//! A clock that the target moves.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use yandex_cloud_auth::Clock;

/// Clones share their time.
#[derive(Clone)]
pub(crate) struct MovedClock(Arc<Mutex<(SystemTime, Instant)>>);

impl MovedClock {
    /// A clock that starts in the year 2027.
    pub(crate) fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Self(Arc::new(Mutex::new((wall, Instant::now()))))
    }

    pub(crate) fn advance_wall(&self, by: Duration) {
        self.0.lock().unwrap().0 += by;
    }

    pub(crate) fn rewind_wall(&self, by: Duration) {
        self.0.lock().unwrap().0 -= by;
    }

    pub(crate) fn advance_monotonic(&self, by: Duration) {
        self.0.lock().unwrap().1 += by;
    }
}

impl Clock for MovedClock {
    fn wall(&self) -> SystemTime {
        self.0.lock().unwrap().0
    }

    fn monotonic(&self) -> Instant {
        self.0.lock().unwrap().1
    }
}
