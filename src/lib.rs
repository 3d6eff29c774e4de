//! Tower middleware that authenticates requests to Yandex Cloud.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(any(feature = "service-account", feature = "workload-identity", feature = "hyper-client"))]
mod blocking;
mod cache;
mod clock;
mod credential;
mod error;
#[cfg(feature = "_network")]
mod exchange;
mod policy;
mod provider;
mod secret;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(any(feature = "_network", feature = "hyper-client"))]
mod transport;

pub use cache::{CacheBuilder, CacheState, CacheStatus, CredentialCache, Refresh};
pub use clock::Clock;
pub use credential::{Credential, Fingerprint, InvalidCredential, Scheme};
pub use error::AuthError;
pub use policy::{And, Decision, Denial, Policy, RequestHead, Unrestricted};
#[cfg(feature = "file")]
pub use provider::CredentialFile;
#[cfg(feature = "impersonation")]
pub use provider::Impersonation;
#[cfg(feature = "metadata")]
pub use provider::MetadataService;
#[cfg(feature = "oauth")]
pub use provider::OAuthToken;
#[cfg(feature = "service-account")]
pub use provider::ServiceAccountKey;
#[cfg(feature = "workload-identity")]
pub use provider::WorkloadIdentity;
pub use provider::{Chain, CredentialProvider, EnvCredential, ProviderError};
#[cfg(all(feature = "service-account", feature = "metadata"))]
pub use provider::{default_chain, default_chain_with};
#[cfg(feature = "hyper-client")]
pub use transport::{HttpsTransport, HttpsTransportBuilder};
