//! How long a credential is used: the [`CredentialCache`], its states, and the one fetch that all
//! share.

mod builder;
mod complete;
mod cooldown;
mod entry;
mod fetch;
mod in_flight;
mod jitter;
mod join;
mod local;
mod lookup;
mod registry;
mod reject;
mod renewal;
mod schedule;
mod settings;
mod shared;
mod slot;
mod state;
mod status;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

pub use self::builder::CredentialCacheBuilder;
pub(crate) use self::entry::Entry;
pub(crate) use self::in_flight::InFlight;
pub(crate) use self::local::LocalCredential;
pub(crate) use self::lookup::Lookup;
pub(crate) use self::registry::{CacheId, Rejection, reject};
use self::state::State;
pub use self::status::{CacheState, CacheStatus};
use crate::credential::Credential;
use crate::error::ProviderError;

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
    /// Returns the credential to use now. Waits only where none is usable.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] if none is usable and the fetch fails, or failed just now.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not affect the other waiters.
    pub async fn get(&self) -> Result<Credential, ProviderError> {
        let entry = match self.state.lookup() {
            Lookup::Hit(entry, in_flight) => {
                if let Some(in_flight) = in_flight {
                    poll_once(in_flight).await;
                }
                entry
            }
            Lookup::Miss => Arc::clone(&self.state).get_or_fetch().await?,
        };
        Ok(entry.credential.clone())
    }

    /// Fetches now, whatever is cached, and ends a cool-down. Joins a fetch that is in flight.
    ///
    /// A static credential is not fetched again: this returns it, or an error once it has ended.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] if the fetch fails. A cached credential that is still valid stays.
    ///
    /// # Cancel safety
    ///
    /// As for [`get`](Self::get).
    pub async fn refresh(&self) -> Result<Credential, ProviderError> {
        let entry = Arc::clone(&self.state).force_fetch().await?;
        Ok(entry.credential.clone())
    }

    /// Returns a credential that stays usable for `duration`, and fetches one if the cached one does
    /// not.
    ///
    /// For a call or a connection that takes long and authenticates once, such as a WebSocket. The
    /// last seconds of a credential's life are not counted: 5 % of it, 10 s at most.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] if the fetch fails, failed just now, or brings no credential that lives long
    /// enough. A credential that was fetched less than a minute ago is not fetched again.
    ///
    /// # Cancel safety
    ///
    /// As for [`get`](Self::get).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use yandex_cloud_auth::{Credential, CredentialCache};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let token = Credential::iam_token("t1.abc")?.with_lifetime(Duration::from_secs(3600));
    /// let cache = CredentialCache::new(token);
    /// assert!(cache.get_valid_for(Duration::from_secs(600)).await.is_ok());
    /// assert!(cache.get_valid_for(Duration::from_secs(7200)).await.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn get_valid_for(&self, duration: Duration) -> Result<Credential, ProviderError> {
        let entry = Arc::clone(&self.state).get_valid_for(duration).await?;
        Ok(entry.credential.clone())
    }

    /// Returns the credential that is usable now, without waiting and without starting a fetch.
    pub fn peek(&self) -> Option<Credential> {
        self.state.usable().map(|entry| entry.credential.clone())
    }

    /// Drops the cached credential if it is `rejected`, and returns whether it did. The next caller
    /// starts a fetch.
    ///
    /// A credential younger than 5 s is not dropped, and none is within 30 s of the last drop. The
    /// 30 s double, up to 10 min, while the replacement of a dropped credential is dropped as well:
    /// a principal that is always rejected must not flood the token endpoint. A
    /// [static](crate::CredentialProvider::is_static) provider's credential is never dropped.
    /// [`refresh`](Self::refresh) has no such limits.
    pub fn invalidate(&self, rejected: &Credential) -> bool {
        let rejection = self
            .state
            .reject(|entry| entry.credential.same_secret(rejected));
        rejection == Rejection::Dropped
    }

    /// Returns what is cached, since when and until when, and how the last fetch failed.
    pub fn status(&self) -> CacheStatus {
        CacheStatus::of(&self.state)
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

/// Polls a fetch once, so that it makes some progress.
async fn poll_once(in_flight: InFlight) {
    let mut in_flight = pin!(in_flight);
    poll_fn(|cx| {
        let _ = in_flight.as_mut().poll(cx);
        Poll::Ready(())
    })
    .await;
}
