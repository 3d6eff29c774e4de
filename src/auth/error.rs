//! What the layer and the cache return when a request may not go or has no credential to go with.

use std::error::Error;
use std::fmt;

use crate::error::ProviderError;
use crate::policy::Denial;

/// Why a request was not sent. Downcast it from the `BoxError` that [`Auth`](crate::Auth) returns.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{AuthError, ProviderError};
///
/// fn is_ours(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
///     matches!(error.downcast_ref(), Some(AuthError::Denied(_) | AuthError::Provider(_)))
/// }
/// assert!(is_ours(&AuthError::Provider(ProviderError::transient("token endpoint is down"))));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuthError {
    /// The policy does not let the credential go there. The request never left.
    Denied(Denial),
    /// There was no credential to send.
    Provider(ProviderError),
}

impl AuthError {
    /// The label of this kind of error in metrics.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::Provider(_) => "no_credential",
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
