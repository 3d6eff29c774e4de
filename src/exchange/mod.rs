//! The requests that return a token, their responses, and their error responses.
//!
//! An exchange sends one request and keeps no state. Providers decide what an [`ExchangeError`]
//! means for them.

#[cfg(any(feature = "metadata", feature = "workload-identity"))]
pub(crate) mod access_token;
#[cfg(feature = "service-account")]
pub(crate) mod assertion;
#[cfg(feature = "service-account")]
pub(crate) mod authorized_key;
mod error;
mod error_response;
#[cfg(feature = "workload-identity")]
pub(crate) mod github;
#[cfg(any(
    feature = "service-account",
    feature = "oauth",
    feature = "impersonation"
))]
pub(crate) mod iam;
#[cfg(feature = "workload-identity")]
pub(crate) mod subject_token;
#[cfg(feature = "workload-identity")]
pub(crate) mod token_exchange;

#[cfg(any(
    feature = "metadata",
    feature = "service-account",
    feature = "impersonation"
))]
pub(crate) use self::error::ExchangeError;
#[cfg(feature = "metadata")]
pub(crate) use self::error::object;

/// The lifetime of a token if the response does not state one.
const ASSUMED_LIFETIME: std::time::Duration = std::time::Duration::from_secs(15 * 60);
