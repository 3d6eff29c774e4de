//! Every event, span and instrument of this crate, and its name. Without the features `tracing` and
//! `metrics` there are none.
//!
//! A failure is told once an attempt, and attempts are spaced by the cool-down, so an outage does
//! not flood a log. The label sets are fixed. The gauges are those of the cache that fetched last:
//! where a process has several, ask each for its `status`.
#![cfg_attr(
    not(feature = "tracing"),
    allow(unused_variables, reason = "only events tell all")
)]

use std::time::Duration;

use crate::auth::AuthError;
use crate::credential::Credential;
use crate::error::ProviderError;

/// A fetch brought a credential, which is now the one that is entry.
pub(crate) fn fetched(credential: &Credential, generation: u64, took: Duration) {
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: "yandex_cloud_auth",
        scheme = %credential.scheme(),
        fingerprint = %credential.fingerprint(),
        generation,
        took_ms = millis(took),
        "credential fetched"
    );
    #[cfg(feature = "metrics")]
    {
        fetch_ended("ok", took);
        metrics::gauge!("yandex_cloud_auth_consecutive_failures").set(0.0);
        if let Some(at) = credential.expires_at() {
            let since_epoch = at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            metrics::gauge!("yandex_cloud_auth_credential_expires_at_seconds")
                .set(since_epoch.as_secs_f64());
        }
    }
}

/// A fetch failed. `usable` says whether a credential is held that is still good.
pub(crate) fn fetch_failed(error: &ProviderError, in_a_row: u32, usable: bool, took: Duration) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: "yandex_cloud_auth",
        error = %error,
        permanent = error.is_permanent(),
        consecutive_failures = in_a_row,
        still_usable = usable,
        took_ms = millis(took),
        "credential fetch failed"
    );
    #[cfg(feature = "metrics")]
    {
        let outcome = match (error.is_permanent(), error.is_transient()) {
            (true, _) => "permanent",
            (_, true) => "transient",
            _ => "not_configured",
        };
        fetch_ended(outcome, took);
        metrics::gauge!("yandex_cloud_auth_consecutive_failures").set(f64::from(in_a_row));
    }
}

/// A key file can be read by every user of the machine.
#[cfg(feature = "service-account")]
pub(crate) fn key_file_readable_by_all(path: &std::path::Path) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "yandex_cloud_auth", path = %path.display(), "key file is readable by all: its mode should be 0600");
}

/// A credential was dropped because it was refused.
pub(crate) fn dropped(credential: &Credential) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: "yandex_cloud_auth",
        scheme = %credential.scheme(),
        fingerprint = %credential.fingerprint(),
        "credential dropped after it was refused"
    );
    #[cfg(feature = "metrics")]
    metrics::counter!("yandex_cloud_auth_credentials_dropped_total").increment(1);
}

/// A request was not sent.
pub(crate) fn refused(error: &AuthError) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "yandex_cloud_auth", error = %error, "request not sent");
    #[cfg(feature = "metrics")]
    {
        let reason = match error {
            AuthError::Denied(_) => "denied",
            AuthError::Provider(_) => "no_credential",
        };
        metrics::counter!("yandex_cloud_auth_requests_refused_total", "reason" => reason)
            .increment(1);
    }
}

/// `fetch` inside the span that its provider's events belong to.
#[cfg(feature = "tracing")]
pub(crate) fn in_fetch_span<F: Future>(fetch: F) -> impl Future<Output = F::Output> {
    use tracing::Instrument;
    fetch.instrument(tracing::debug_span!(target: "yandex_cloud_auth", "credential_fetch"))
}

#[cfg(not(feature = "tracing"))]
pub(crate) const fn in_fetch_span<F: Future>(fetch: F) -> F {
    fetch
}

#[cfg(feature = "metrics")]
fn fetch_ended(outcome: &'static str, took: Duration) {
    metrics::counter!("yandex_cloud_auth_fetches_total", "outcome" => outcome).increment(1);
    metrics::histogram!("yandex_cloud_auth_fetch_duration_seconds").record(took.as_secs_f64());
}

#[cfg(feature = "tracing")]
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
