//! The events, spans and instruments of this crate, and their names.
//!
//! `src/docs/telemetry.md` lists them all. A failed fetch is reported once, and the cool-down spaces
//! fetches, so that an outage does not flood a log. The label sets are fixed.
//!
//! Without the feature `tracing` or `metrics`, a module of empty functions takes the place of the
//! one that emits.

#[cfg(any(feature = "tracing", feature = "metrics"))]
mod error_type;
#[cfg(feature = "tracing")]
mod events;
#[cfg(feature = "metrics")]
mod instruments;
#[cfg(not(feature = "tracing"))]
mod no_events;
#[cfg(not(feature = "metrics"))]
mod no_instruments;

use std::fmt::Display;
use std::time::{Duration, SystemTime};

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

/// A fetch completed, and the cache holds its credential. `previous` is what it replaces.
pub(crate) fn fetched(
    credential: &Credential,
    generation: u64,
    previous: Option<&Credential>,
    took: Duration,
) {
    events::fetched(credential, generation, took);
    if let Some(previous) = previous.filter(|previous| !previous.same_secret(credential)) {
        events::rotated(credential, previous);
    }
    instruments::fetched(took);
}

/// A fetch failed, for the `failures`th time in a row. `usable`: whether the cache still holds a
/// valid credential. No fetch is tried for `pause`.
pub(crate) fn fetch_failed(
    error: &ProviderError,
    failures: u32,
    usable: bool,
    took: Duration,
    pause: Duration,
) {
    events::fetch_failed(error, failures, usable, took);
    events::cooled_down(failures, pause);
    instruments::fetch_failed(error, failures, took);
}

/// A server rejected a credential, and the cache dropped it.
pub(crate) fn dropped(credential: &Credential) {
    events::invalidated(credential);
    instruments::dropped();
}

/// A server rejected a credential, and the cache keeps it.
pub(crate) fn kept() {
    instruments::kept();
}

/// When the cached credential expires, and the time left from `now`. `None`: the cache holds none.
pub(crate) fn expiry(credential: Option<&Credential>, now: SystemTime) {
    instruments::expiry(credential, now);
}

/// The policy denied a request.
pub(crate) fn denied(error: &dyn Display) {
    events::denied(error);
    instruments::refused("denied");
}

/// There was no credential for a request.
pub(crate) fn no_credential(error: &dyn Display) {
    events::no_credential(error);
    instruments::refused("no_credential");
}
