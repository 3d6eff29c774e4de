//! Dropping what a server rejected, within limits.

use std::sync::Arc;
use std::time::Duration;

use super::entry::Entry;
use super::registry::{Reject, Rejection};
use super::renewal;
use super::state::State;
use crate::telemetry;

/// A younger credential is not dropped: the server that rejected it may not know it yet.
const MIN_AGE_TO_DROP: Duration = Duration::from_secs(5);

impl State {
    /// Drops the entry if it `is_rejected`, within the limits on drops.
    pub(crate) fn reject(self: &Arc<Self>, is_rejected: impl FnOnce(&Entry) -> bool) -> Rejection {
        let now = self.time.now();
        let mut shared = self.lock();
        let Some(entry) = self.slot.load_full().filter(|entry| is_rejected(entry)) else {
            return Rejection::Replaced;
        };
        shared.rejections.record(now.wall);
        let is_too_young = now.since(&entry.fetched_at) < MIN_AGE_TO_DROP;
        if self.is_static || is_too_young || shared.drops.is_too_soon(&now) {
            drop(shared);
            telemetry::kept();
            return Rejection::Kept;
        }
        shared.drops.record(now);
        self.slot.clear();
        drop(shared);
        renewal::ensure(self);
        telemetry::dropped(&entry.credential);
        self.report_expiry();
        Rejection::Dropped
    }
}

impl Reject for State {
    fn reject_generation(self: Arc<Self>, generation: u64) -> Rejection {
        self.reject(|entry| entry.generation == generation)
    }
}
