//! The settings of a cache.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::CredentialCache;
use super::settings::Settings;
use super::state::State;
use crate::clock::{Clock, TimeSource};
use crate::provider::{CredentialProvider, ErasedProvider};

impl CredentialCache {
    /// A cache of what `provider` fetches, with the default settings and the system's clock.
    pub fn new(provider: impl CredentialProvider) -> Self {
        Self::builder(provider).build()
    }

    /// A cache with other settings.
    pub fn builder(provider: impl CredentialProvider) -> CredentialCacheBuilder {
        CredentialCacheBuilder {
            provider: Arc::new(provider),
            settings: Settings::DEFAULT,
            time: TimeSource::System,
        }
    }
}

/// Settings of a [`CredentialCache`], made by [`CredentialCache::builder`].
///
/// # Examples
///
/// Renew every five minutes, for a virtual machine whose account may change:
///
/// ```
/// use std::time::Duration;
/// use yandex_cloud_auth::{Credential, CredentialCache};
///
/// let provider = Credential::iam_token("t1.abc")?;
/// let cache = CredentialCache::builder(provider).max_age(Duration::from_secs(300)).build();
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[must_use]
pub struct CredentialCacheBuilder {
    provider: Arc<dyn ErasedProvider>,
    settings: Settings,
    time: TimeSource,
}

impl CredentialCacheBuilder {
    /// The age at which a new credential is fetched at the latest. Default: 1 hour, Yandex's advice
    /// for IAM tokens.
    ///
    /// Requests keep using the cached credential during the fetch. A shorter lifetime renews
    /// earlier, at 80 % of it, and so does a shorter
    /// [`max_age`](crate::Credential::with_max_age) of the credential itself. A credential with
    /// neither expiry nor max age is fetched once. Zero makes every credential due at once: a fetch
    /// each second.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.settings.max_age = max_age;
        self
    }

    /// The time one fetch may take, in real time, before it fails with a transient error. Default:
    /// 30 seconds.
    ///
    /// Every waiter enforces it, too: with a timer on a tokio runtime that has timers, and elsewhere
    /// each time it is polled. Outside of a runtime, a fetch that has no waiter by then is replaced
    /// by the next caller's, which counts as no failure. With a timeout of zero, a fetch gets one
    /// poll outside of a runtime, and may fail before that on one.
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.settings.fetch_timeout = timeout;
        self
    }

    /// The clock that ages are measured with. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.time = TimeSource::User(Box::new(clock));
        self
    }

    /// Builds the cache. Spawns nothing and needs no runtime.
    pub fn build(self) -> CredentialCache {
        CredentialCache {
            state: State::new(
                self.provider,
                self.settings,
                self.time,
                super::jitter::random,
            ),
        }
    }
}

impl fmt::Debug for CredentialCacheBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialCacheBuilder")
            .field("max_age", &self.settings.max_age)
            .field("fetch_timeout", &self.settings.fetch_timeout)
            .finish_non_exhaustive()
    }
}
