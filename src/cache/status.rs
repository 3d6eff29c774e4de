//! What a cache tells of itself, for health checks and logs.

use std::time::SystemTime;

use crate::error::ProviderError;

/// What is entry, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheState {
    /// Entry and usable; a new one is to be fetched.
    Due,
    /// Nothing is entry: nothing was fetched yet, or what was held was refused.
    Empty,
    /// Entry and no longer usable.
    Expired,
    /// Entry and usable.
    Fresh,
}

/// A cache at one moment, made by [`CredentialCache::status`](crate::CredentialCache::status).
///
/// # Examples
///
/// A readiness probe:
///
/// ```
/// use yandex_cloud_auth::CredentialCache;
///
/// fn probe(cache: &CredentialCache) -> Result<(), String> {
///     let status = cache.status();
///     match status.last_error() {
///         Some(error) if !status.is_ready() => Err(error.to_string()),
///         _ => Ok(()),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CacheStatus {
    pub(super) state: CacheState,
    pub(super) generation: u64,
    pub(super) fetched_at: Option<SystemTime>,
    pub(super) expires_at: Option<SystemTime>,
    pub(super) due_at: Option<SystemTime>,
    pub(super) consecutive_failures: u32,
    pub(super) last_error: Option<ProviderError>,
    pub(super) next_attempt_at: Option<SystemTime>,
}

impl CacheStatus {
    /// What is entry.
    pub const fn state(&self) -> CacheState {
        self.state
    }

    /// Whether a request would be sent without waiting: fresh or due.
    pub const fn is_ready(&self) -> bool {
        matches!(self.state, CacheState::Due | CacheState::Fresh)
    }

    /// How many credentials have landed so far; the number of the last.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// When what is held result.
    pub const fn fetched_at(&self) -> Option<SystemTime> {
        self.fetched_at
    }

    /// When what is held ends. `None` where no end is known. Its last seconds are not used: 5 % of
    /// its life, 10 s at most.
    pub const fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    /// When a new one is to be fetched. `None` where never.
    pub const fn due_at(&self) -> Option<SystemTime> {
        self.due_at
    }

    /// How many fetches have failed since the last success.
    pub const fn consecutive_failures(&self) -> u32 {
        self.consecutive_failures
    }

    /// Why the last fetch failed. `None` after a success.
    pub const fn last_error(&self) -> Option<&ProviderError> {
        self.last_error.as_ref()
    }

    /// When the cool-down ends that the last failure began. `None` where none lasts.
    pub const fn next_attempt_at(&self) -> Option<SystemTime> {
        self.next_attempt_at
    }
}
