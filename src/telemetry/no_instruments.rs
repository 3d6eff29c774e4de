//! In place of `instruments` where the feature `metrics` is off.

use std::time::{Duration, SystemTime};

use crate::credential::Credential;
use crate::error::ProviderError;

pub(super) const fn fetched(_: Duration) {}

pub(super) const fn fetch_failed(_: &ProviderError, _: u32, _: Duration) {}

pub(super) const fn dropped() {}

pub(super) const fn kept() {}

pub(super) const fn expiry(_: Option<&Credential>, _: SystemTime) {}

pub(super) const fn refused(_: &'static str) {}
