//! The error of a request that was not sent.

use std::error::Error;
use std::fmt;

use crate::error::ProviderError;
use crate::policy::Denial;
use crate::telemetry;

/// Why a request was not sent.
///
/// [`Auth`](crate::Auth) returns it as a `BoxError`: downcast that to tell it from an error of the
/// inner service.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{AuthError, ProviderError};
///
/// fn was_sent(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
///     !error.is::<AuthError>()
/// }
/// assert!(!was_sent(&AuthError::Provider(ProviderError::transient("token endpoint is down"))));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuthError {
    /// The policy denied the request.
    Denied(Denial),
    /// The provider returned no credential.
    Provider(ProviderError),
}

impl AuthError {
    pub(super) fn report(&self) {
        match self {
            Self::Denied(_) => telemetry::denied(self),
            Self::Provider(_) => telemetry::no_credential(self),
        }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denial) => fmt::Display::fmt(denial, f),
            Self::Provider(error) => write!(f, "no credential to send: {error}"),
        }
    }
}

/// The text is complete, so there is no source.
impl Error for AuthError {}

impl From<Denial> for AuthError {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<ProviderError> for AuthError {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}
