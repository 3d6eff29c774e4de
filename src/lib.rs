//! Tower middleware that authenticates requests to Yandex Cloud.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod cache;
mod clock;
mod credential;
mod error;
mod policy;
mod provider;
mod secret;
#[cfg(feature = "testing")]
pub mod testing;

pub use cache::{CacheBuilder, CacheState, CacheStatus, CredentialCache, Refresh};
pub use clock::Clock;
pub use credential::{Credential, Fingerprint, InvalidCredential, Scheme};
pub use error::AuthError;
pub use policy::{
    And, ApiKeyRules, Decision, Denial, ExecutionOnly, InvalidOrigin, Policy, RequestHead, TrustedOrigins,
    Unrestricted, Workflows,
};
pub use provider::{CredentialProvider, ProviderError};
