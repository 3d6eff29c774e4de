//! The counters, gauges and histograms of the feature `metrics`.

use std::time::{Duration, UNIX_EPOCH};

use crate::credential::Credential;
use crate::error::ProviderError;

pub(super) fn fetched(credential: &Credential, took: Duration) {
    fetch_ended("ok", took);
    metrics::gauge!("yandex_cloud_auth_consecutive_failures").set(0.0);
    if let Some(at) = credential.expires_at() {
        let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        metrics::gauge!("yandex_cloud_auth_credential_expires_at_seconds")
            .set(since_epoch.as_secs_f64());
    }
}

pub(super) fn fetch_failed(error: &ProviderError, failures: u32, took: Duration) {
    let outcome = match (error.is_permanent(), error.is_transient()) {
        (true, _) => "permanent",
        (_, true) => "transient",
        _ => "not_configured",
    };
    fetch_ended(outcome, took);
    metrics::gauge!("yandex_cloud_auth_consecutive_failures").set(f64::from(failures));
}

pub(super) fn dropped() {
    metrics::counter!("yandex_cloud_auth_credentials_dropped_total").increment(1);
}

pub(super) fn not_sent(reason: &'static str) {
    metrics::counter!("yandex_cloud_auth_requests_refused_total", "reason" => reason).increment(1);
}

fn fetch_ended(outcome: &'static str, took: Duration) {
    metrics::counter!("yandex_cloud_auth_fetches_total", "outcome" => outcome).increment(1);
    metrics::histogram!("yandex_cloud_auth_fetch_duration_seconds").record(took.as_secs_f64());
}
