//! The word before the secret.

use std::fmt;

/// The authentication scheme: the word before the secret in `Authorization` *(RFC 9110 §11.1)*.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{Credential, Scheme};
///
/// let key = Credential::api_key("AQVNabc")?;
/// assert_eq!(key.scheme(), Scheme::ApiKey);
/// assert_eq!(key.header_value(), &format!("{} AQVNabc", Scheme::ApiKey));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `Api-Key`: the API key of a service account. The Workflows API accepts it for its Execution
    /// resource only.
    ApiKey,
    /// `Bearer`: an IAM token *(RFC 6750 §2.1)*.
    Bearer,
}

impl Scheme {
    /// The scheme as the header has it: `"Api-Key"` or `"Bearer"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "Api-Key",
            Self::Bearer => "Bearer",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
