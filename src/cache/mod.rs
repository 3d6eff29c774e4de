//! How long a credential is used: the [`CredentialCache`], its states, and the one fetch that all
//! share.

mod builder;
mod cooldown;
mod fetch;
mod in_flight;
mod jitter;
mod local;
pub(crate) mod registry;
mod renewal;
mod schedule;
mod shared;
mod slot;
pub(crate) mod state;
mod status;

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

pub use self::builder::CredentialCacheBuilder;
pub(crate) use self::in_flight::InFlight;
pub(crate) use self::local::LocalCredential;
use self::schedule::Freshness;
pub(crate) use self::slot::Entry;
use self::state::State;
pub(crate) use self::state::{Lookup, Rejection};
pub use self::status::{CacheState, CacheStatus};
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::CredentialProvider;

/// Keeps one identity's credential: fetched once for all who wait, renewed ahead of time, dropped
/// when refused.
///
/// What is held is *fresh* (used), *due* (used while one fetch runs) or *expired* (waited for). It
/// is due at 80 % of its lifetime and at the latest after [`CredentialCacheBuilder::max_age`], less up to a tenth
/// by chance; it is expired when the wall clock or the monotonic clock says so, less the last 5 %
/// of its lifetime, 10 s at most.
///
/// A failed fetch never takes away what is still valid. It begins a cool-down, 1 s doubling to 1
/// min (after [permanent](crate::ProviderError::is_permanent) errors 10 s to 30 s, or to 10 min
/// while something valid is entry), in which who needs a new credential gets that error at once.
/// Nothing is final: after the cool-down it is tried again.
///
/// With the feature `tokio`, a fetch started on a tokio runtime runs detached, under
/// [`CredentialCacheBuilder::fetch_timeout`], and a timer renews ahead of time when no request does. Otherwise whoever
/// waits drives the fetch. Constructors spawn nothing and need no runtime. A runtime built without
/// timers has neither deadline nor timer; tokio tells of that by a panic, which is caught where
/// panics unwind.
///
/// # Clone
///
/// Clones share everything. When the last handle goes, so do task, timer and provider.
///
/// # Examples
///
/// The door for clients that are no tower services:
///
/// ```
/// use yandex_cloud_auth::{Credential, CredentialCache};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let cache = CredentialCache::new(Credential::iam_token("t1.abc")?);
/// let credential = cache.get().await?;
/// assert_eq!(credential.header_value(), "Bearer t1.abc");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CredentialCache {
    state: Arc<State>,
}

impl CredentialCache {
    /// A cache of what `provider` fetches, with the default settings and the system's clock.
    pub fn new(provider: impl CredentialProvider) -> Self {
        Self::builder(provider).build()
    }

    /// A cache with other settings.
    pub fn builder(provider: impl CredentialProvider) -> CredentialCacheBuilder {
        CredentialCacheBuilder::new(Arc::new(provider))
    }

    /// The credential to use now. Waits only where none is usable.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] where none is usable and the fetch fails, or failed just now.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing from the others who wait.
    pub async fn get(&self) -> Result<Credential, ProviderError> {
        match self.state.lookup() {
            Lookup::Hit(entry, due) => {
                if let Some(flight) = due {
                    poll_once(flight).await;
                }
                Ok(entry.credential.clone())
            }
            Lookup::Miss => Ok(Arc::clone(&self.state)
                .get_or_fetch()
                .await?
                .credential
                .clone()),
        }
    }

    /// Fetches now, whatever is entry, and ends a cool-down. A fetch that is under way already is
    /// the one waited for.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] where the fetch fails. What was held and is still valid stays.
    ///
    /// # Cancel safety
    ///
    /// As for [`get`](Self::get).
    pub async fn refresh(&self) -> Result<Credential, ProviderError> {
        Ok(Arc::clone(&self.state)
            .force_fetch()
            .await?
            .credential
            .clone())
    }

    /// What is usable now, without waiting and without starting a fetch.
    pub fn peek(&self) -> Option<Credential> {
        self.state.usable().map(|entry| entry.credential.clone())
    }

    /// Drops what is held if it is `rejected`, and says whether it did. The next who asks starts a
    /// fetch.
    ///
    /// Not while it is younger than 5 s, not within 30 s of the last drop, and never a
    /// [static](CredentialProvider::is_static) provider's: whoever is refused for ever must not
    /// become a stampede. [`refresh`](Self::refresh) is the way to insist.
    pub fn invalidate(&self, rejected: &Credential) -> bool {
        self.state
            .reject(|entry| entry.credential.same_secret(rejected))
            == Rejection::Dropped
    }

    /// What is entry, since when and until when, and how the last fetch failed.
    pub fn status(&self) -> CacheStatus {
        let now = self.state.time.now();
        let shared = self.state.lock();
        let entry = self.state.slot.load_full();
        let entry = entry.as_deref();
        let state = entry.map_or(CacheState::Empty, |entry| match entry.freshness(&now) {
            Freshness::Due => CacheState::Due,
            Freshness::Expired => CacheState::Expired,
            Freshness::Fresh => CacheState::Fresh,
        });
        let ready = matches!(state, CacheState::Due | CacheState::Fresh);
        let pause = shared
            .failure
            .as_ref()
            .map(|failure| failure.pause(&now, ready))
            .unwrap_or_default();
        CacheStatus {
            state,
            generation: self.state.slot.generation(),
            fetched_at: entry.map(|entry| entry.fetched_at.wall),
            expires_at: entry.and_then(|entry| entry.credential.expires_at()),
            due_at: entry.and_then(|entry| entry.fetched_at.wall.checked_add(entry.schedule.due?)),
            consecutive_failures: shared
                .failure
                .as_ref()
                .map_or(0, |failure| failure.in_a_row),
            last_error: shared.failure.as_ref().map(|failure| failure.error.clone()),
            next_attempt_at: if pause > Duration::ZERO {
                now.wall.checked_add(pause)
            } else {
                None
            },
        }
    }

    pub(crate) const fn state(&self) -> &Arc<State> {
        &self.state
    }
}

impl fmt::Debug for CredentialCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialCache")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// Drops the credential of that generation from the cache of that number. `None` where the cache is
/// gone.
pub(crate) fn reject(cache: u32, generation: u64) -> Option<Rejection> {
    Some(registry::find(cache)?.reject(|entry| entry.generation == generation))
}

/// Polls a flight once: it makes some way, and nobody waits for it.
async fn poll_once(flight: InFlight) {
    let mut flight = pin!(flight);
    poll_fn(|cx| {
        let _ = flight.as_mut().poll(cx);
        Poll::Ready(())
    })
    .await;
}
