//! Where credentials come from: the [`CredentialProvider`] trait.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::credential::Credential;
use crate::error::ProviderError;

/// A source of credentials: a key, a metadata service, a program, a closure.
///
/// A provider only fetches. The [`CredentialCache`](crate::CredentialCache) around it keeps what it
/// got, shares one call among all who wait, renews ahead of time, and spaces the attempts after a
/// failure, so a provider has no cache, no retry and no time-out.
///
/// # Cancel safety
///
/// A cache may drop the future of `fetch`: at its deadline, and when the last handle is gone.
///
/// # Examples
///
/// A closure is a provider:
///
/// ```
/// use yandex_cloud_auth::{AuthLayer, Credential, ProviderError};
///
/// # async fn ask_vault() -> Result<String, std::io::Error> { Ok("t1.abc".into()) }
/// let auth = AuthLayer::new(|| async {
///     let token = ask_vault().await.map_err(ProviderError::transient)?;
///     Ok(Credential::iam_token(token)?.with_lifetime(std::time::Duration::from_secs(3600)))
/// });
/// ```
pub trait CredentialProvider: Send + Sync + 'static {
    /// A fresh credential.
    ///
    /// # Errors
    ///
    /// A [`ProviderError`], which tells a source that is absent from one that failed for now or for
    /// good.
    fn fetch(&self) -> impl Future<Output = Result<Credential, ProviderError>> + Send;

    /// True where a second fetch could never answer otherwise. Then a 401 drops nothing and replays
    /// nothing. Default: `false`.
    fn is_static(&self) -> bool {
        false
    }
}

/// The static provider: always this credential.
impl CredentialProvider for Credential {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        Ok(self.clone())
    }

    fn is_static(&self) -> bool {
        true
    }
}

impl<P: CredentialProvider> CredentialProvider for Arc<P> {
    fn fetch(&self) -> impl Future<Output = Result<Credential, ProviderError>> + Send {
        (**self).fetch()
    }

    fn is_static(&self) -> bool {
        (**self).is_static()
    }
}

impl<F, T> CredentialProvider for F
where
    F: Fn() -> T + Send + Sync + 'static,
    T: Future<Output = Result<Credential, ProviderError>> + Send,
{
    fn fetch(&self) -> impl Future<Output = Result<Credential, ProviderError>> + Send {
        self()
    }
}

/// The future of one fetch, its provider's type erased.
pub(crate) type FetchFuture =
    Pin<Box<dyn Future<Output = Result<Credential, ProviderError>> + Send>>;

/// A provider whose type is forgotten, so that no user-visible type carries it.
pub(crate) trait ErasedProvider: Send + Sync + 'static {
    /// One fetch that owns what it needs. The provider is called when the future is first polled.
    fn fetch_erased(self: Arc<Self>) -> FetchFuture;

    fn is_static_erased(&self) -> bool;
}

impl<P: CredentialProvider> ErasedProvider for P {
    fn fetch_erased(self: Arc<Self>) -> FetchFuture {
        Box::pin(async move { self.fetch().await })
    }

    fn is_static_erased(&self) -> bool {
        self.is_static()
    }
}
