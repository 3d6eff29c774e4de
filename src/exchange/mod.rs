//! One call, one token: what is asked, what is answered, and what a refusal says.
//!
//! An exchange knows the wire and nothing else: it keeps nothing, and asks once. Its providers
//! decide what a [`ExchangeError`] means where they are.

#[cfg(any(feature = "metadata", feature = "workload-identity"))]
pub(crate) mod access_token;
#[cfg(feature = "service-account")]
pub(crate) mod assertion;
#[cfg(feature = "service-account")]
pub(crate) mod authorized_key;
mod error;
mod error_response;
#[cfg(any(
    feature = "service-account",
    feature = "oauth",
    feature = "impersonation"
))]
pub(crate) mod iam;
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

/// What is assumed of a token whose answer does not say how long it lives.
const ASSUMED_LIFETIME: std::time::Duration = std::time::Duration::from_secs(15 * 60);
