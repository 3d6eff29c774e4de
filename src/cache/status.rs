//! The state of a cache at one moment, for health checks and logs.

use std::time::{Duration, SystemTime};

use super::entry::Entry;
use super::schedule::Freshness;
use super::state::State;
use crate::error::ProviderError;

/// What is cached, by both clocks.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{CacheState, Credential, CredentialCache, ProviderError};
///
/// let cache = CredentialCache::new(|| async { Err(ProviderError::transient("down")) });
/// assert_eq!(cache.status().state(), CacheState::Empty);
/// let cache = CredentialCache::new(Credential::iam_token("t1.abc")?);
/// assert_eq!(cache.status().state(), CacheState::Fresh);
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheState {
    /// Cached and usable; a new one is to be fetched.
    Due,
    /// There is none: nothing was fetched yet, or it was dropped after a rejection.
    Empty,
    /// Cached and no longer usable.
    Expired,
    /// Cached and usable.
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
    state: CacheState,
    generation: u64,
    fetched_at: Option<SystemTime>,
    expires_at: Option<SystemTime>,
    due_at: Option<SystemTime>,
    consecutive_failures: u32,
    last_error: Option<ProviderError>,
    next_attempt_at: Option<SystemTime>,
    fetching_since: Option<SystemTime>,
    rejections: u64,
    last_rejected_at: Option<SystemTime>,
}

impl CacheStatus {
    pub(super) fn of(cache: &State) -> Self {
        let now = cache.time.now();
        let shared = cache.lock();
        let entry = cache.slot.load_full();
        let entry = entry.as_deref();
        let state = entry.map_or(CacheState::Empty, |entry| state_of(entry.freshness(&now)));
        let failures = shared.failures.as_ref();
        let is_usable = matches!(state, CacheState::Due | CacheState::Fresh);
        let pause = failures.map_or(Duration::ZERO, |failures| failures.pause(&now, is_usable));
        Self {
            state,
            generation: cache.slot.generation(),
            fetched_at: entry.map(|entry| entry.fetched_at.wall),
            expires_at: entry.and_then(|entry| entry.credential.expires_at()),
            due_at: entry.and_then(Entry::due_at),
            consecutive_failures: failures.map_or(0, |failures| failures.count),
            last_error: failures
                .map(|failures| failures.error.clone())
                .or_else(|| cache.static_error(&now)),
            next_attempt_at: now.wall.checked_add(pause).filter(|_| !pause.is_zero()),
            fetching_since: shared.in_flight.as_ref().map(|fetch| fetch.started_at),
            rejections: shared.rejections.count,
            last_rejected_at: shared.rejections.last_at,
        }
    }

    /// What is cached, and whether it is usable.
    pub const fn state(&self) -> CacheState {
        self.state
    }

    /// Whether a request would be sent without waiting: fresh or due.
    pub const fn is_ready(&self) -> bool {
        matches!(self.state, CacheState::Due | CacheState::Fresh)
    }

    /// The number of credentials fetched so far.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// When the cached credential was fetched.
    pub const fn fetched_at(&self) -> Option<SystemTime> {
        self.fetched_at
    }

    /// When the cached credential expires. `None` where no end is known. Its last seconds are not
    /// used: 5 % of its lifetime, 10 s at most.
    pub const fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    /// When a new one is to be fetched. `None` if it never is.
    pub const fn due_at(&self) -> Option<SystemTime> {
        self.due_at
    }

    /// The number of fetches that failed since the last success.
    pub const fn consecutive_failures(&self) -> u32 {
        self.consecutive_failures
    }

    /// Why the last fetch failed. `None` after a success.
    pub const fn last_error(&self) -> Option<&ProviderError> {
        self.last_error.as_ref()
    }

    /// When the cool-down ends after which a fetch is tried again. `None` if there is none.
    pub const fn next_attempt_at(&self) -> Option<SystemTime> {
        self.next_attempt_at
    }

    /// When the fetch in flight started. `None` where there is none.
    pub const fn fetching_since(&self) -> Option<SystemTime> {
        self.fetching_since
    }

    /// How often a server rejected the cached credential, by a `401` or a gRPC status 16.
    ///
    /// The count starts again with each credential that is fetched. A static credential is never
    /// dropped, so for a deleted API key this keeps growing while the state stays fresh.
    pub const fn rejections(&self) -> u64 {
        self.rejections
    }

    /// When a server last rejected the cached credential. `None` where none has.
    pub const fn last_rejected_at(&self) -> Option<SystemTime> {
        self.last_rejected_at
    }
}

const fn state_of(freshness: Freshness) -> CacheState {
    match freshness {
        Freshness::Due => CacheState::Due,
        Freshness::Expired => CacheState::Expired,
        Freshness::Fresh => CacheState::Fresh,
    }
}
