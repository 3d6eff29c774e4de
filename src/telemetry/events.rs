//! The events and spans of the feature `tracing`. Their target is the name of this crate.

use std::fmt::Display;
use std::time::Duration;

use tracing::Instrument;
use tracing::field::Empty;

use super::error_type::error_type;
use crate::credential::Credential;
use crate::error::ProviderError;

pub(super) fn fetched(credential: &Credential, generation: u64, took: Duration) {
    tracing::debug!(
        name: "yandex_cloud_auth.credential.fetched",
        target: "yandex_cloud_auth",
        scheme = %credential.scheme(),
        fingerprint = %credential.fingerprint(),
        generation,
        took_ms = millis(took),
        "credential fetched"
    );
}

pub(super) fn rotated(credential: &Credential, previous: &Credential) {
    tracing::debug!(
        name: "yandex_cloud_auth.credential.rotated",
        target: "yandex_cloud_auth",
        scheme = %credential.scheme(),
        fingerprint = %credential.fingerprint(),
        previous_fingerprint = %previous.fingerprint(),
        "credential rotated"
    );
}

pub(super) fn fetch_failed(error: &ProviderError, failures: u32, usable: bool, took: Duration) {
    tracing::warn!(
        name: "yandex_cloud_auth.fetch.failed",
        target: "yandex_cloud_auth",
        error = %error,
        "error.type" = error_type(error),
        consecutive_failures = failures,
        still_usable = usable,
        took_ms = millis(took),
        "credential fetch failed"
    );
}

pub(super) fn cooled_down(failures: u32, pause: Duration) {
    tracing::debug!(
        name: "yandex_cloud_auth.fetch.cooled_down",
        target: "yandex_cloud_auth",
        consecutive_failures = failures,
        pause_ms = millis(pause),
        "cool-down of the credential fetches started"
    );
}

pub(super) fn invalidated(credential: &Credential) {
    tracing::warn!(
        name: "yandex_cloud_auth.credential.invalidated",
        target: "yandex_cloud_auth",
        scheme = %credential.scheme(),
        fingerprint = %credential.fingerprint(),
        "credential dropped after a rejection"
    );
}

pub(super) fn denied(error: &dyn Display) {
    tracing::debug!(
        name: "yandex_cloud_auth.request.denied",
        target: "yandex_cloud_auth",
        error = %error,
        "request denied by the policy"
    );
}

pub(super) fn no_credential(error: &dyn Display) {
    tracing::debug!(
        name: "yandex_cloud_auth.request.no_credential",
        target: "yandex_cloud_auth",
        error = %error,
        "request not sent: no credential"
    );
}

/// Every user of the machine can read the key file. `path` is redacted.
#[cfg(any(
    feature = "file",
    feature = "service-account",
    feature = "workload-identity"
))]
pub(crate) fn key_file_readable_by_all(path: &str) {
    tracing::warn!(
        name: "yandex_cloud_auth.key_file.readable_by_all",
        target: "yandex_cloud_auth",
        path = %path,
        "key file is readable by all: its mode should be 0600"
    );
}

/// Runs `fetch` inside a span that contains what its provider emits, such as the span of an HTTP
/// call.
///
/// The span has no parent: one fetch serves many requests, and none of them owns it.
pub(crate) fn in_fetch_span<T, F>(provider: &str, fetch: F) -> impl Future<Output = F::Output>
where
    F: Future<Output = Result<T, ProviderError>>,
{
    let span = tracing::info_span!(
        target: "yandex_cloud_auth",
        parent: None,
        "yandex_cloud_auth.fetch",
        provider,
        "otel.kind" = "internal",
        "otel.status_code" = Empty,
        "error.type" = Empty,
    );
    let ended = span.clone();
    async move {
        let result = fetch.await;
        if let Err(error) = &result {
            ended.record("otel.status_code", "ERROR");
            ended.record("error.type", error_type(error));
        }
        result
    }
    .instrument(span)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
