//! How long a credential is used: the [`CredentialCache`] and its single flight of fetches.

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
#[cfg(all(test, feature = "_loom"))]
mod orderings;
mod registry;
mod reject;
mod renewal;
mod schedule;
#[cfg(all(test, feature = "_shuttle"))]
mod schedules;
mod settings;
mod shared;
#[cfg(feature = "testing")]
mod simulated;
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
#[cfg(feature = "testing")]
pub use self::simulated::SimulatedCache;
use self::state::State;
pub use self::status::{CacheState, CacheStatus};
use crate::credential::Credential;
use crate::error::ProviderError;

/// Caches the credential of one identity. One fetch serves all callers, the credential is renewed
/// ahead of time, and it is dropped when a server rejects it.
///
/// The cached credential is *fresh* (it is used), *due* (it is used while one fetch runs) or
/// *expired* (callers wait for a fetch). It is due at 80 % of its lifetime and at the latest after
/// [`max_age`](CredentialCacheBuilder::max_age), less a random part of up to a tenth. A credential that
/// was not fetched on schedule, such as the first one, is due earlier still, at a random time after
/// a tenth of that: processes that start together do not renew together. It is expired when the wall
/// clock or the monotonic clock says so, less the last 5 % of its lifetime, 10 s at most.
///
/// A failed fetch never removes a valid credential. It starts a cool-down of 1 s, doubled with each
/// failure up to 2 min (10 s after a [permanent](ProviderError::is_permanent) error). While a valid
/// credential is cached, the cool-down is at least half of the time it has left, at most 10 min.
/// Callers that need a new credential during a cool-down get the error of the failed fetch at once.
/// After the cool-down it is tried again, whatever the error was.
///
/// With the feature `tokio`, a fetch that starts on a tokio runtime runs detached from its callers,
/// within [`fetch_timeout`](CredentialCacheBuilder::fetch_timeout), and a timer renews the credential
/// where no request does. It also fetches after each cool-down while there is no valid credential, so
/// that [`status`](Self::status) becomes ready without traffic. The timer runs on the runtime on
/// which the last fetch ended: while nothing polls that runtime, only requests renew the credential.
/// Elsewhere the callers drive the fetch. Constructors spawn nothing and need no runtime.
///
/// On a runtime without timers there is no timer, and the timeout is checked when a caller is
/// polled. Tokio reports such a runtime by a panic, once per thread: the panic hook runs, and the
/// process ends if panics abort. Without a timer, the requests of a layer compare the end of the
/// cached credential with the wall clock only: if that clock is set back, a request may carry a
/// credential that has expired by the monotonic one.
///
/// The credential of a [static](crate::CredentialProvider::is_static) provider is cached from the
/// start. It is never fetched again: once it has ended, callers get an error.
///
/// # Clone
///
/// Clones share everything. When the last one is dropped, so are task, timer and provider.
///
/// # Examples
///
/// For clients that are not tower services:
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
    /// [`ProviderError`] if none is usable and the fetch fails, or a cool-down is running.
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
    /// [`ProviderError`] if the fetch fails, a cool-down is running, or the fetched credential does not
    /// live long enough. A credential that was fetched less than a minute ago is not fetched again.
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
        if let Lookup::Hit(_, Some(in_flight)) = self.state.lookup() {
            poll_once(in_flight).await;
        }
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
