//! Why a provider returned no credential, and whether a later fetch may succeed.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{BoxError, with_causes};
use crate::credential::InvalidCredential;

/// Why a [`CredentialProvider`](crate::CredentialProvider) returned no credential.
///
/// It is one of three kinds. *Not configured*: the source does not exist here, and a
/// [`Chain`](crate::Chain) continues with the next one. *Transient*: the failure may pass without
/// any change. *Permanent*: something must be changed first. A cache fetches again after each of
/// them, after a permanent one later.
///
/// The text includes the causes of the underlying error, since a log line or a `grpc-message` is
/// often all that a reader sees. [`get_ref`](Self::get_ref) returns the underlying error as a
/// value. Clones share it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use yandex_cloud_auth::ProviderError;
///
/// let error = ProviderError::transient("vault is sealed")
///     .with_provider("vault")
///     .with_retry_after(Duration::from_secs(5));
/// assert!(error.is_transient());
/// assert_eq!(error.to_string(), "vault: vault is sealed");
/// ```
#[derive(Clone)]
pub struct ProviderError {
    cause: Arc<Cause>,
    provider: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
}

enum Cause {
    NotConfigured(Cow<'static, str>),
    Permanent(BoxError),
    Transient(BoxError),
}

impl ProviderError {
    /// The source does not exist here: no variable, no file, no metadata service. `message` says
    /// what was missing.
    pub fn not_configured(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Cause::NotConfigured(message.into()))
    }

    /// The failure may pass without any change: a timeout, an overload, a network failure.
    pub fn transient(error: impl Into<BoxError>) -> Self {
        Self::new(Cause::Transient(error.into()))
    }

    /// Something must be changed first: a revoked key, a malformed file, a missing role.
    pub fn permanent(error: impl Into<BoxError>) -> Self {
        Self::new(Cause::Permanent(error.into()))
    }

    fn new(cause: Cause) -> Self {
        Self {
            cause: Arc::new(cause),
            provider: None,
            retry_after: None,
        }
    }

    /// Sets the delay before the next attempt. A cache honours up to five minutes of it.
    #[must_use]
    pub fn with_retry_after(self, delay: Duration) -> Self {
        Self {
            retry_after: Some(delay),
            ..self
        }
    }

    /// Sets the name of the provider, with which the text begins. A name that is already set stays.
    #[must_use]
    pub fn with_provider(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            provider: self.provider.or_else(|| Some(name.into())),
            ..self
        }
    }

    /// Whether the source does not exist here.
    pub fn is_not_configured(&self) -> bool {
        matches!(*self.cause, Cause::NotConfigured(_))
    }

    /// Whether the failure may pass without any change.
    pub fn is_transient(&self) -> bool {
        matches!(*self.cause, Cause::Transient(_))
    }

    /// Whether something must be changed first.
    pub fn is_permanent(&self) -> bool {
        matches!(*self.cause, Cause::Permanent(_))
    }

    /// The name of the provider, if one is set.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// The delay before the next attempt, if the source asked for one.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The underlying error as a value. `None` if the source is not configured.
    ///
    /// [`source`](Error::source) returns `None`, since the text already includes the underlying
    /// error and its causes: a report that walks the sources prints each of them once.
    pub fn get_ref(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &*self.cause {
            Cause::NotConfigured(_) => None,
            Cause::Permanent(error) | Cause::Transient(error) => Some(&**error),
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(provider) = &self.provider {
            write!(f, "{provider}: ")?;
        }
        match &*self.cause {
            Cause::NotConfigured(message) => f.write_str(message),
            Cause::Permanent(error) | Cause::Transient(error) => {
                f.write_str(&with_causes(&**error))
            }
        }
    }
}

impl fmt::Debug for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &*self.cause {
            Cause::NotConfigured(_) => "not configured",
            Cause::Permanent(_) => "permanent",
            Cause::Transient(_) => "transient",
        };
        f.debug_struct("ProviderError")
            .field("kind", &kind)
            .field("message", &self.to_string())
            .field("retry_after", &self.retry_after)
            .finish()
    }
}

/// The text is complete, so there is no source: see [`get_ref`](ProviderError::get_ref).
impl Error for ProviderError {}

/// A malformed token stays malformed until it is changed.
impl From<InvalidCredential> for ProviderError {
    fn from(error: InvalidCredential) -> Self {
        Self::permanent(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_exactly_one_kind() {
        let io = || std::io::Error::other("boom");
        for (error, kinds) in [
            (
                ProviderError::not_configured("nothing"),
                [true, false, false],
            ),
            (ProviderError::transient(io()), [false, true, false]),
            (ProviderError::permanent(io()), [false, false, true]),
        ] {
            assert_eq!(
                [
                    error.is_not_configured(),
                    error.is_transient(),
                    error.is_permanent()
                ],
                kinds
            );
        }
    }

    #[test]
    fn text_names_provider_and_causes_once() {
        let error = ProviderError::transient(std::io::Error::other("boom"))
            .with_provider("disk")
            .with_provider("chain");
        assert_eq!(error.to_string(), "disk: boom");
        assert_eq!(error.provider(), Some("disk"));
        assert!(error.get_ref().unwrap().is::<std::io::Error>());
        assert!(error.source().is_none());
    }

    #[derive(Debug)]
    struct Request(std::io::Error);

    impl fmt::Display for Request {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("error sending request for url")
        }
    }

    impl Error for Request {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn text_includes_causes_of_any_error() {
        let request = || Request(std::io::Error::other("connection refused"));
        for error in [
            ProviderError::transient(request()),
            ProviderError::permanent(request()),
        ] {
            assert_eq!(
                error.to_string(),
                "error sending request for url: connection refused"
            );
        }
    }
}
