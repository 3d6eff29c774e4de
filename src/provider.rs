//! Where credentials come from: the [`CredentialProvider`] trait.

use std::any;
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::credential::Credential;
use crate::error::ProviderError;

/// A source of credentials: a key, a metadata service, a program, a closure.
///
/// A provider only fetches. The [`CredentialCache`](crate::CredentialCache) around it stores the
/// result, shares one fetch among all waiters, renews ahead of time, and spaces the attempts after
/// a failure. So a provider needs no cache, no retry and no timeout.
///
/// # Compile errors
///
/// "`Result<Credential, InvalidCredential>` is not a credential provider": unwrap it with `?`.
///
/// "`{closure}` is not a credential provider": its future must return `Result<Credential,
/// ProviderError>` and be `Send`. Convert other errors with [`ProviderError::transient`] or
/// [`ProviderError::permanent`].
///
/// # Cancel safety
///
/// A cache drops the future of `fetch` when its timeout has passed, when the last handle of the cache
/// is dropped, when the runtime of the fetch is shut down, and, without a runtime, when nothing polls
/// it for longer than the timeout.
///
/// # Examples
///
/// A closure is a provider:
///
/// ```
/// use yandex_cloud_auth::{AuthLayer, Credential, ProviderError};
///
/// # async fn read_vault() -> Result<String, std::io::Error> { Ok("t1.abc".into()) }
/// let auth = AuthLayer::new(|| async {
///     let token = read_vault().await.map_err(ProviderError::transient)?;
///     Ok(Credential::iam_token(token)?.with_lifetime(std::time::Duration::from_secs(3600)))
/// });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a credential provider",
    label = "`CredentialProvider` is not implemented for this type",
    note = "if it is a `Result`, as `Credential::api_key` returns, unwrap it with `?`",
    note = "a closure is a provider if it is `Send + Sync + 'static` and returns a `Send` future of `Result<Credential, ProviderError>`"
)]
pub trait CredentialProvider: Send + Sync + 'static {
    /// Fetches a credential.
    ///
    /// # Errors
    ///
    /// A [`ProviderError`]: the source is not configured here, or failed for now, or fails until
    /// something is changed.
    fn fetch(&self) -> impl Future<Output = Result<Credential, ProviderError>> + Send;

    /// Whether every fetch returns the same credential. Then a 401 neither drops it nor replays the
    /// request, and the constructor of a cache polls [`fetch`](Self::fetch) once, to have the
    /// credential from the start: the future should be ready at once. Default: `false`.
    fn is_static(&self) -> bool {
        false
    }

    /// The name of this provider in errors of a cache, as "no credential within 30 s".
    ///
    /// It must not contain a secret. Default: the name of the type, without its path and
    /// parameters.
    ///
    /// # Examples
    ///
    /// ```
    /// use yandex_cloud_auth::{CredentialProvider, EnvCredential};
    ///
    /// assert_eq!(EnvCredential::new().name(), "EnvCredential");
    /// ```
    fn name(&self) -> Cow<'static, str> {
        short_type_name::<Self>().into()
    }
}

/// A `Result` is not a provider.
///
/// ```
/// use yandex_cloud_auth::{AuthLayer, Credential};
///
/// let auth = AuthLayer::new(Credential::api_key("AQVNabc")?);
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
///
/// ```compile_fail,E0277
/// use yandex_cloud_auth::{AuthLayer, Credential};
///
/// let auth = AuthLayer::new(Credential::api_key("AQVNabc"));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[cfg(doctest)]
struct ResultIsNoProvider;

/// The static provider: every fetch returns this credential.
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

    fn name(&self) -> Cow<'static, str> {
        (**self).name()
    }
}

// Without this attribute, the compiler reports that a type is not `Fn()` instead of the message of
// the trait.
#[diagnostic::do_not_recommend]
impl<F, T> CredentialProvider for F
where
    F: Fn() -> T + Send + Sync + 'static,
    T: Future<Output = Result<Credential, ProviderError>> + Send,
{
    fn fetch(&self) -> impl Future<Output = Result<Credential, ProviderError>> + Send {
        self()
    }
}

/// The future of one fetch, with the type of its provider erased.
pub(crate) type FetchFuture =
    Pin<Box<dyn Future<Output = Result<Credential, ProviderError>> + Send>>;

/// A provider with its type erased, so that no public type has it as a parameter.
pub(crate) trait ErasedProvider: Send + Sync + 'static {
    /// One fetch that owns what it needs. The provider is called when the future is first polled.
    fn fetch_erased(self: Arc<Self>) -> FetchFuture;

    fn is_static_erased(&self) -> bool;

    fn name_erased(&self) -> Cow<'static, str>;
}

impl<P: CredentialProvider> ErasedProvider for P {
    fn fetch_erased(self: Arc<Self>) -> FetchFuture {
        Box::pin(async move { self.fetch().await })
    }

    fn is_static_erased(&self) -> bool {
        self.is_static()
    }

    fn name_erased(&self) -> Cow<'static, str> {
        self.name()
    }
}

/// The name of a type without its path, its parameters, and an `Arc` around it.
pub(crate) fn short_type_name<T: ?Sized>() -> &'static str {
    shorten(any::type_name::<T>())
}

fn shorten(mut name: &str) -> &str {
    while let Some(inner) = name.strip_prefix("alloc::sync::Arc<") {
        name = inner;
    }
    let path = name.split(['<', '>']).next().unwrap_or(name);
    match path.rsplit("::").next() {
        Some("{{closure}}") => "closure",
        Some(last) => last,
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_name_has_no_path_parameters_or_arc() {
        for (name, short) in [
            ("yandex_cloud_auth::credential::Credential", "Credential"),
            (
                "alloc::sync::Arc<alloc::sync::Arc<my::vault::Vault>>",
                "Vault",
            ),
            ("my::Vault<my::http::Client<u8>>", "Vault"),
            ("my::main::{{closure}}", "closure"),
            ("my::read_vault", "read_vault"),
            ("", ""),
        ] {
            assert_eq!(shorten(name), short);
        }
    }

    #[test]
    fn erased_provider_keeps_its_name() {
        let closure = || async { Err(ProviderError::not_configured("nothing")) };
        let token = Credential::iam_token("t1.a").unwrap();
        let erased: [(Arc<dyn ErasedProvider>, &str); 3] = [
            (Arc::new(closure), "closure"),
            (Arc::new(Arc::new(token.clone())), "Credential"),
            (Arc::new(token), "Credential"),
        ];
        for (provider, name) in erased {
            assert_eq!(provider.name_erased(), name);
        }
    }
}
