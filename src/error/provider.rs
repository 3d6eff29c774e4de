//! Why a provider had no credential, and whether asking again may help.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{BoxError, with_causes};
use crate::credential::InvalidCredential;

/// Why a [`CredentialProvider`](crate::CredentialProvider) had no credential.
///
/// It is one of three: the source *is not configured* here (a [`Chain`](crate::Chain) asks the next
/// one), the failure is *transient* (may pass with nobody changing anything) or *permanent*
/// (somebody has to mend something). A cache tries again after each of them, sooner or later.
///
/// Its text is complete, the causes of the error it was made from included, since a log line or a
/// `grpc-message` is often all that is seen. [`get_ref`](Self::get_ref) returns that error as a
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
    /// what was looked for.
    pub fn not_configured(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Cause::NotConfigured(message.into()))
    }

    /// May pass with nobody changing anything: a time-out, an overload, a network failure.
    pub fn transient(error: impl Into<BoxError>) -> Self {
        Self::new(Cause::Transient(error.into()))
    }

    /// Somebody has to mend something: a revoked key, a malformed file, a missing role.
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

    /// Asks for no attempt before `delay` has passed. A cache honours it up to five minutes.
    #[must_use]
    pub fn with_retry_after(self, delay: Duration) -> Self {
        Self {
            retry_after: Some(delay),
            ..self
        }
    }

    /// Names the provider, as the text begins with it. The innermost name is kept.
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

    /// Whether it may pass with nobody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(*self.cause, Cause::Transient(_))
    }

    /// Whether somebody has to mend something.
    pub fn is_permanent(&self) -> bool {
        matches!(*self.cause, Cause::Permanent(_))
    }

    /// The provider's name, where it gave one.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// The delay that was asked for before the next attempt.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The error this was made from, as a value. `None` where a source is not configured.
    ///
    /// [`source`](Error::source) returns nothing, since the text already names the cause and all of
    /// its causes: printing a chain of errors prints none of them twice.
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

/// A text that is no token stays none until somebody mends it.
impl From<InvalidCredential> for ProviderError {
    fn from(error: InvalidCredential) -> Self {
        Self::permanent(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_exactly_one_of_three() {
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
    fn the_text_names_provider_and_cause_and_the_source_is_the_cause() {
        let error = ProviderError::transient(std::io::Error::other("boom"))
            .with_provider("disk")
            .with_provider("chain");
        assert_eq!(error.to_string(), "disk: boom");
        assert_eq!(error.provider(), Some("disk"));
        assert!(error.get_ref().unwrap().is::<std::io::Error>());
    }
}
