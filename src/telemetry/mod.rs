//! The events, spans and instruments of this crate, and their names.
//!
//! A failed fetch is reported once, and the cool-down spaces fetches, so that an outage does not
//! flood a log. The label sets are fixed. The gauges show the cache that completed a fetch last: a
//! process with several caches reads the `status` of each.
//!
//! Without the feature `tracing` or `metrics`, a module of empty functions takes the place of the
//! one that emits.

#[cfg(feature = "tracing")]
mod events;
#[cfg(feature = "metrics")]
mod instruments;
#[cfg(not(feature = "tracing"))]
mod no_events;
#[cfg(not(feature = "metrics"))]
mod no_instruments;

use std::fmt::Display;
use std::time::Duration;

#[cfg(not(feature = "tracing"))]
use self::no_events as events;
#[cfg(not(feature = "metrics"))]
use self::no_instruments as instruments;
use crate::credential::Credential;
use crate::error::ProviderError;

pub(crate) use self::events::in_fetch_span;
#[cfg(any(
    feature = "file",
    feature = "service-account",
    feature = "workload-identity"
))]
pub(crate) use self::events::key_file_readable_by_all;

/// A fetch completed, and the cache holds its credential.
pub(crate) fn fetched(credential: &Credential, generation: u64, took: Duration) {
    events::fetched(credential, generation, took);
    instruments::fetched(credential, took);
}

/// A fetch failed, for the `failures`th time in a row. `usable`: whether the cache still holds a
/// valid credential.
pub(crate) fn fetch_failed(error: &ProviderError, failures: u32, usable: bool, took: Duration) {
    events::fetch_failed(error, failures, usable, took);
    instruments::fetch_failed(error, failures, took);
}

/// A server rejected a credential, and the cache dropped it.
pub(crate) fn dropped(credential: &Credential) {
    events::dropped(credential);
    instruments::dropped();
}

/// A request was not sent. `reason` is a label, from a fixed set.
pub(crate) fn not_sent(error: &dyn Display, reason: &'static str) {
    events::not_sent(error);
    instruments::not_sent(reason);
}
