//! Tower middleware that authenticates requests to [Yandex Cloud](https://yandex.cloud/en/docs).
//!
//! [`AuthLayer`] wraps a tower HTTP service and sets `Authorization: Bearer <IAM token>` or
//! `Authorization: Api-Key <API key>` on each request. It has three parts:
//!
//! ```text
//! request ──▶ Auth ──▶ inner service ──▶ response ──401──▶ the rejected credential is dropped
//!              │
//!              ├──▶ Policy            is the credential sent with this request?
//!              └──▶ CredentialCache   how long is the credential used?
//!                     └──▶ CredentialProvider   where does it come from?
//! ```
//!
//! * A [`Policy`] decides for each request whether the credential is sent with it. The default,
//!   [`Workflows`], sends it only over TLS and only to Yandex Cloud, and an API key only to the
//!   methods of the Workflows API's Execution resource. It judges a URI without a host, such as
//!   tonic's, by [`AuthLayer::with_origin`]. If none is set, the origin of such a request is not
//!   checked.
//! * A [`CredentialCache`] keeps the credential. One fetch serves all requests that wait for it.
//!   The credential is renewed before it expires, and dropped when a server rejects it.
//! * A [`CredentialProvider`] fetches a credential: a [`ServiceAccountKey`], the
//!   [`MetadataService`], a [`WorkloadIdentity`], the [`YcCli`], the [environment](EnvCredential),
//!   a [`Chain`] of them ([`default_chain`]), a [`Credential`] that you have, or a closure.
//!
//! # Examples
//!
//! A client of the Workflows API:
//!
#![cfg_attr(
    all(feature = "hyper-client", feature = "service-account"),
    doc = "```no_run"
)]
#![cfg_attr(
    not(all(feature = "hyper-client", feature = "service-account")),
    doc = "```ignore"
)]
//! use std::time::Duration;
//!
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt};
//! use yandex_cloud_auth::{AuthLayer, HttpsTransport, ServiceAccountKey};
//!
//! # async fn example() -> Result<(), tower::BoxError> {
//! let auth = AuthLayer::new(ServiceAccountKey::from_file("key.json")?);
//! // Any tower service over `http::Request`, such as hyper-util's `Client`.
//! let http_client = HttpsTransport::new();
//! let client = ServiceBuilder::new()
//!     .timeout(Duration::from_secs(10))
//!     .layer(auth.clone())
//!     .service(http_client);
//!
//! let url = "https://serverless-workflows.api.cloud.yandex.net/workflows/v1/execution?workflowId=dfq...";
//! let response = client.oneshot(http::Request::get(url).body(Full::default())?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! * gRPC: [`AuthLayer::grpc`] after [`AuthLayer::with_origin`]. Errors of the layer become gRPC
//!   statuses.
//! * Clients that are not tower services, such as reqwest or WebSockets: [`CredentialCache::get`].
//! * One request with another credential, or with none: [`AuthOverride`].
//! * Another attempt after a 401 response: [`retry::OnUnauthorized`], or [`retry::ReplayLayer`] for
//!   bodies that are not `Clone`.
//! * Health checks: [`CredentialCache::status`].
//!
//! Which identity to use, and what to do on each error: [`docs::identities`].
//!
//! # Features
//!
//! The core, `default-features = false`, needs no async runtime. Features only add names. The
//! default ones are those that a service in production needs. What each costs: [`docs::features`].
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `tokio` | yes | fetches that run as tasks, ahead of time, with a timeout |
//! | `file` | yes | [`CredentialFile`] |
//! | `metadata` | yes | [`MetadataService`] |
//! | `service-account` | yes | [`ServiceAccountKey`] |
//! | `workload-identity` | yes | [`WorkloadIdentity`] |
//! | `hyper-client` | yes | [`HttpsTransport`], an HTTP client for the providers |
//! | `exec` | | [`Exec`], [`YcCli`] |
//! | `impersonation` | | [`Impersonation`] |
//! | `oauth` | | [`OAuthToken`], deprecated by Yandex |
//! | `retry` | | [`retry::OnUnauthorized`], [`retry::ReplayLayer`] |
//! | `tracing`, `metrics` | | events and spans; counters, gauges and histograms |
//! | `full` | | all of the above |
//! | `testing` | | [`testing`]: a manual clock, a scripted provider, a fake Yandex Cloud |
//!
//! # Types of other crates
//!
//! The public interface names types of `http`, `http-body`, `tower-layer` and `tower-service`. The
//! network providers add `http-body-util` and `bytes`, `hyper-client` adds `rustls`, `retry`
//! adds `tower`, and `testing` adds `tonic` and `prost`. A major release of one of them is a major
//! release of this crate.

#![cfg_attr(docsrs, feature(doc_cfg))]
// The first page and those of `docs` link to items of all features, as published docs have them.
#![cfg_attr(
    not(all(feature = "full", feature = "testing")),
    allow(rustdoc::broken_intra_doc_links)
)]
#![forbid(unsafe_code)]

// Layers, from the top. A file imports from lower layers, and from its own layer without a circle.
// `tests/imports` reads this list.
//
//     lib            re-exports
//     docs           pages that belong to no item
//     testing        manual clock, scripted provider, fake cloud
//     retry          sends a rejected request once more
//     auth           layers, services and their futures
//     impersonation  a provider that has a cache for its source
//     cache          how long a credential is used, and who fetches the next one
//     identity       the providers
//     exchange       one call to a token endpoint
//     transport      HTTP clients of the providers
//     provider       the trait of all providers
//     telemetry      events and instruments
//     policy         which requests get a credential
//     runtime        timers, tasks and blocking calls
//     redact         what errors show of untrusted text
//     error          the errors of providers
//     credential     what is sent
//     secret         memory that is zeroed and never printed
//     clock          wall and monotonic time
//     sync           locks and atomics, or those of a model checker

mod auth;
mod cache;
mod clock;
mod credential;
#[cfg(any(doc, all(doctest, feature = "full")))]
pub mod docs;
mod error;
#[cfg(feature = "_network")]
mod exchange;
mod identity;
#[cfg(feature = "impersonation")]
mod impersonation;
mod policy;
mod provider;
mod redact;
#[cfg(feature = "retry")]
pub mod retry;
mod runtime;
mod secret;
mod sync;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(any(feature = "_network", feature = "hyper-client"))]
mod transport;

pub use auth::{
    Auth, AuthError, AuthLayer, AuthOverride, GrpcAuth, GrpcAuthLayer, WatchTrailers,
    WatchTrailersLayer, WatchedBody,
};
pub use cache::{CacheState, CacheStatus, CredentialCache, CredentialCacheBuilder};
pub use clock::Clock;
pub use credential::{Credential, Fingerprint, InvalidCredential, Scheme};
pub use error::ProviderError;
#[cfg(feature = "file")]
pub use identity::CredentialFile;
#[cfg(feature = "metadata")]
pub use identity::MetadataService;
#[cfg(feature = "oauth")]
pub use identity::OAuthToken;
#[cfg(feature = "service-account")]
pub use identity::ServiceAccountKey;
#[cfg(feature = "workload-identity")]
pub use identity::WorkloadIdentity;
pub use identity::{Chain, EnvCredential};
#[cfg(feature = "exec")]
pub use identity::{Exec, YcCli};
#[cfg(all(feature = "service-account", feature = "metadata"))]
pub use identity::{default_chain, default_chain_in, default_chain_with};
#[cfg(feature = "impersonation")]
pub use impersonation::Impersonation;
pub use policy::{
    And, ApiKeyRules, CloudService, Decision, Denial, ExecutionOnly, InvalidRule, Policy, PolicyFn,
    Region, RequestHead, TrustedOrigins, Unrestricted, Workflows, WorkflowsAt, policy_fn,
};
pub use provider::CredentialProvider;
#[cfg(feature = "hyper-client")]
pub use transport::{HttpsTransport, HttpsTransportBuilder};

/// The response futures of the services.
pub mod future {
    pub use crate::auth::{GrpcResponseFuture, ResponseFuture, WatchTrailersFuture};
}

#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../README.md")]
struct Readme;
