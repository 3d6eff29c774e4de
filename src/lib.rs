//! Tower middleware that authenticates requests to Yandex Cloud.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod auth_override;
#[cfg(any(feature = "service-account", feature = "workload-identity", feature = "hyper-client"))]
mod blocking;
mod cache;
mod challenge;
mod clock;
mod credential;
mod error;
#[cfg(feature = "_network")]
mod exchange;
mod future;
mod grpc;
mod layer;
mod own_copy;
mod policy;
mod provider;
#[cfg(feature = "retry")]
pub mod retry;
mod secret;
mod service;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(any(feature = "_network", feature = "hyper-client"))]
mod transport;

pub use auth_override::AuthOverride;
pub use cache::{CacheBuilder, CacheState, CacheStatus, CredentialCache, Refresh};
pub use clock::Clock;
pub use credential::{Credential, Fingerprint, InvalidCredential, Scheme};
pub use error::AuthError;
pub use future::ResponseFuture;
pub use grpc::{GrpcAuth, GrpcAuthLayer, GrpcResponseFuture};
pub use layer::AuthLayer;
pub use policy::{
    And, ApiKeyRules, Decision, Denial, ExecutionOnly, InvalidOrigin, Policy, RequestHead, TrustedOrigins,
    Unrestricted, Workflows,
};
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
#[cfg(feature = "exec")]
pub use provider::{Exec, YcCli};
#[cfg(all(feature = "service-account", feature = "metadata"))]
pub use provider::{default_chain, default_chain_with};
pub use service::Auth;
#[cfg(feature = "hyper-client")]
pub use transport::{HttpsTransport, HttpsTransportBuilder};
