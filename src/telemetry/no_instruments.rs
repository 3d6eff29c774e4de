//! In place of `instruments` where the feature `metrics` is off.

use std::time::Duration;

use crate::credential::Credential;
use crate::error::ProviderError;

pub(super) const fn fetched(_: &Credential, _: Duration) {}

pub(super) const fn fetch_failed(_: &ProviderError, _: u32, _: Duration) {}

pub(super) const fn dropped() {}

pub(super) const fn not_sent(_: &'static str) {}
