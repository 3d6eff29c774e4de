//! How a cache renews.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) fetch_timeout: Duration,
    pub(super) max_age: Duration,
}

impl Settings {
    pub(super) const DEFAULT: Self = Self {
        fetch_timeout: Duration::from_secs(30),
        max_age: Duration::from_secs(3600),
    };
}
