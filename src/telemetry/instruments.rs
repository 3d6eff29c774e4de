//! The counters, gauges and histograms of the feature `metrics`.
//!
//! Their names and labels follow the conventions of OpenTelemetry: dots between the parts, no unit
//! in the name, and `error.type` only where there is an error.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::{
    Label, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use super::error_type::error_type;
use crate::credential::Credential;
use crate::error::ProviderError;

const FETCHES: &str = "yandex_cloud_auth.fetches";
const FETCH_DURATION: &str = "yandex_cloud_auth.fetch.duration";
const CONSECUTIVE_FAILURES: &str = "yandex_cloud_auth.fetch.consecutive_failures";
const EXPIRES_AT: &str = "yandex_cloud_auth.credential.expires_at";
const TIME_TO_EXPIRY: &str = "yandex_cloud_auth.credential.time_to_expiry";
const REJECTIONS: &str = "yandex_cloud_auth.credential.rejections";
const REFUSALS: &str = "yandex_cloud_auth.request.refusals";

pub(super) fn fetched(took: Duration) {
    fetch_ended(None, took);
    gauge!(CONSECUTIVE_FAILURES).set(0.0);
}

pub(super) fn fetch_failed(error: &ProviderError, failures: u32, took: Duration) {
    fetch_ended(Some(error), took);
    gauge!(CONSECUTIVE_FAILURES).set(f64::from(failures));
}

pub(super) fn dropped() {
    counter!(REJECTIONS, "action" => "dropped").increment(1);
}

pub(super) fn kept() {
    counter!(REJECTIONS, "action" => "kept").increment(1);
}

/// Both gauges are set each time, so that neither keeps the value of an earlier credential.
pub(super) fn expiry(credential: Option<&Credential>, now: SystemTime) {
    let (expires_at, left) = match credential.map(Credential::expires_at) {
        None => (0.0, 0.0),
        Some(None) => (f64::INFINITY, f64::INFINITY),
        Some(Some(at)) => (seconds_between(UNIX_EPOCH, at), seconds_between(now, at)),
    };
    gauge!(EXPIRES_AT).set(expires_at);
    gauge!(TIME_TO_EXPIRY).set(left);
}

/// 0 if `end` is before `start`.
fn seconds_between(start: SystemTime, end: SystemTime) -> f64 {
    let between = end.duration_since(start).unwrap_or_default();
    between.as_secs_f64()
}

pub(super) fn refused(reason: &'static str) {
    counter!(REFUSALS, "error.type" => reason).increment(1);
}

fn fetch_ended(error: Option<&ProviderError>, took: Duration) {
    describe();
    let labels: Vec<_> = error
        .map(|error| Label::from_static_parts("error.type", error_type(error)))
        .into_iter()
        .collect();
    counter!(FETCHES, labels.clone()).increment(1);
    histogram!(FETCH_DURATION, labels).record(took.as_secs_f64());
}

/// Describes all instruments to the recorder. It may have been installed since the last fetch.
fn describe() {
    describe_counter!(FETCHES, "Fetches of a credential that ended");
    describe_histogram!(
        FETCH_DURATION,
        Unit::Seconds,
        "Duration of fetches of a credential"
    );
    describe_gauge!(
        CONSECUTIVE_FAILURES,
        "Failed fetches since the last success"
    );
    describe_gauge!(
        EXPIRES_AT,
        Unit::Seconds,
        "Unix time at which the cached credential expires; 0 without a credential, infinite without expiry"
    );
    describe_gauge!(
        TIME_TO_EXPIRY,
        Unit::Seconds,
        "Time until the cached credential expires; 0 without a credential, infinite without expiry"
    );
    describe_counter!(REJECTIONS, "Credentials that a server rejected");
    describe_counter!(REFUSALS, "Requests that were not sent");
}
