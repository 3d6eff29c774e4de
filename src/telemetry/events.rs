//! The events and spans of the feature `tracing`. Their target is the name of this crate.

use std::fmt::Display;
use std::time::Duration;

use tracing::Instrument;

use crate::credential::Credential;
use crate::error::ProviderError;

pub(super) fn fetched(credential: &Credential, generation: u64, took: Duration) {
    tracing::debug!(
        target: "yandex_cloud_auth",
        scheme = %credential.scheme(),
        fingerprint = %credential.fingerprint(),
        generation,
        took_ms = millis(took),
        "credential fetched"
    );
}

pub(super) fn fetch_failed(error: &ProviderError, failures: u32, usable: bool, took: Duration) {
    tracing::warn!(
        target: "yandex_cloud_auth",
        error = %error,
        permanent = error.is_permanent(),
        consecutive_failures = failures,
        still_usable = usable,
        took_ms = millis(took),
        "credential fetch failed"
    );
}

pub(super) fn dropped(credential: &Credential) {
    tracing::warn!(
        target: "yandex_cloud_auth",
        scheme = %credential.scheme(),
        fingerprint = %credential.fingerprint(),
        "credential dropped after a rejection"
    );
}

pub(super) fn not_sent(error: &dyn Display) {
    tracing::debug!(target: "yandex_cloud_auth", error = %error, "request not sent");
}

/// Every user of the machine can read the key file. `path` is redacted.
#[cfg(any(
    feature = "file",
    feature = "service-account",
    feature = "workload-identity"
))]
pub(crate) fn key_file_readable_by_all(path: &str) {
    tracing::warn!(
        target: "yandex_cloud_auth",
        path = %path,
        "key file is readable by all: its mode should be 0600"
    );
}

/// Runs `fetch` inside the span that contains its provider's events.
pub(crate) fn in_fetch_span<F: Future>(fetch: F) -> impl Future<Output = F::Output> {
    fetch.instrument(tracing::debug_span!(target: "yandex_cloud_auth", "credential_fetch"))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
