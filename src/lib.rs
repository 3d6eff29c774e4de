//! Tower middleware that authenticates requests to Yandex Cloud.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod auth_override;
mod cache;
mod challenge;
mod clock;
mod credential;
mod error;
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
pub use provider::{Chain, CredentialProvider, EnvCredential, ProviderError};
#[cfg(feature = "exec")]
pub use provider::{Exec, YcCli};
pub use service::Auth;
