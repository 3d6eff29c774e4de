//! In place of `events` where the feature `tracing` is off.

use std::fmt::Display;
use std::time::Duration;

use crate::credential::Credential;
use crate::error::ProviderError;

pub(super) const fn fetched(_: &Credential, _: u64, _: Duration) {}

pub(super) const fn fetch_failed(_: &ProviderError, _: u32, _: bool, _: Duration) {}

pub(super) const fn rotated(_: &Credential, _: &Credential) {}

pub(super) const fn cooled_down(_: u32, _: Duration) {}

pub(super) const fn invalidated(_: &Credential) {}

pub(super) fn denied(_: &dyn Display) {}

pub(super) fn no_credential(_: &dyn Display) {}

#[cfg(any(
    feature = "file",
    feature = "service-account",
    feature = "workload-identity"
))]
pub(crate) const fn key_file_readable_by_all(_: &str) {}

pub(crate) const fn in_fetch_span<F: Future>(_: &str, fetch: F) -> F {
    fetch
}
