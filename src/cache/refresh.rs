//! The settings of renewal.

use std::time::Duration;

/// How a [`CredentialCache`](crate::CredentialCache) renews.
///
/// # Examples
///
/// Renew every five minutes, for a virtual machine whose account may change:
///
/// ```
/// use std::time::Duration;
/// use yandex_cloud_auth::{Credential, CredentialCache, Refresh};
///
/// let provider = Credential::iam_token("t1.abc")?;
/// let cache = CredentialCache::builder(provider).refresh(Refresh::new().max_age(Duration::from_secs(300))).build();
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Refresh {
    pub(crate) deadline: Duration,
    pub(crate) max_age: Duration,
}

impl Refresh {
    /// The defaults: an hour of age, thirty seconds for a fetch.
    pub const fn new() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            max_age: Duration::from_secs(3600),
        }
    }

    /// How old the held credential may get before a new one is fetched, at the latest.
    ///
    /// Requests keep using the held one while the new one is on its way. Shorter lifetimes renew
    /// earlier by themselves, at 80 %; a credential's own
    /// [`max_age`](crate::Credential::with_max_age) counts where it is shorter. A credential
    /// without expiry and max age is not renewed at all. Default: 1 hour, Yandex's advice for IAM
    /// tokens.
    pub const fn max_age(self, max_age: Duration) -> Self {
        Self { max_age, ..self }
    }

    /// How long one fetch may take, in real time, before it counts as a transient failure. Default:
    /// 30 seconds.
    ///
    /// Kept by a timer where a fetch runs, or is waited for, on a tokio runtime with timers. A
    /// fetch that its runtime left standing for a second longer, or that no caller has driven for
    /// so long, is given up when the next one asks, who starts another.
    pub const fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }
}

impl Default for Refresh {
    fn default() -> Self {
        Self::new()
    }
}
