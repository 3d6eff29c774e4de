//! Tower middleware that authenticates requests to [Yandex Cloud](https://yandex.cloud/en/docs).
//!
//! [`AuthLayer`] wraps any tower HTTP service and writes `Authorization: Bearer <IAM token>` or
//! `Authorization: Api-Key <API key>` on each request. Three parts decide, each knowing nothing of
//! the next:
//!
//! ```text
//! request ──▶ Auth ──▶ inner service ──▶ response ──401──▶ what was refused is dropped
//!              ├── whether?   Policy
//!              └── how long?  CredentialCache ── what? ──▶ CredentialProvider
//! ```
//!
//! * A [`Policy`] says whether the credential may go with a request. The default, [`Workflows`],
//!   lets it go only over TLS and only to Yandex Cloud, and an API key only to the methods of
//!   Workflows' Execution resource.
//! * A [`CredentialCache`] says how long a credential is used: fetched once for all who wait,
//!   renewed ahead of time, dropped when refused.
//! * A [`CredentialProvider`] fetches: a [`ServiceAccountKey`], the [`MetadataService`], a
//!   [`WorkloadIdentity`], the [`YcCli`], the [environment](EnvCredential), a [`Chain`] of them
//!   ([`default_chain`]), a [`Credential`] itself, or a closure of yours.
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
//! use tower::ServiceBuilder;
//! use yandex_cloud_auth::{AuthLayer, ServiceAccountKey};
//! # use {bytes::Bytes, http_body_util::Full, hyper_util::{client::legacy::Client, rt::TokioExecutor}};
//! # let http_client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
//!
//! let auth = AuthLayer::new(ServiceAccountKey::from_file("key.json")?); let client =
//! ServiceBuilder::new().timeout(Duration::from_secs(10)).layer(auth).service(http_client);
//! # Ok::<(), yandex_cloud_auth::ProviderError>(())
//! ```
//!
//! * gRPC: [`AuthLayer::grpc`]. A refusal becomes a gRPC status.
//! * Other clients: [`CredentialCache::get`] is the door for reqwest, WebSockets, anything.
//! * One request with another credential, or none: [`AuthOverride`].
//! * One more try after a 401: [`retry::OnUnauthorized`].
//! * A health check: [`CredentialCache::status`].
//!
//! Which identity to take, and what to do on each error: [`docs::identities`].
//!
//! # Features
//!
//! The core, `default-features = false`, needs no async runtime. Features only add names; the default ones are those of a service in
//! production. What each costs: [`docs::features`].
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `tokio` | yes | fetches that run detached and ahead of time, under a deadline |
//! | `file` | yes | [`CredentialFile`] |
//! | `metadata` | yes | [`MetadataService`] |
//! | `service-account` | yes | [`ServiceAccountKey`] |
//! | `workload-identity` | yes | [`WorkloadIdentity`] |
//! | `hyper-client` | yes | [`HttpsTransport`], the ready-made transport |
//! | `exec` | | [`Exec`], [`YcCli`] |
//! | `impersonation` | | [`Impersonation`] |
//! | `oauth` | | [`OAuthToken`], deprecated by Yandex |
//! | `retry` | | [`retry::OnUnauthorized`] |
//! | `tracing`, `metrics` | | events and spans; counters, gauges and histograms |
//! | `full` | | all of the above |
//! | `testing` | | [`testing`]: a manual clock, a scripted provider, a fake Yandex Cloud |
//!
//! # Types of other crates
//!
//! The public interface names types of `http`, `tower-layer` and `tower-service`; with a network provider also of `http-body`,
//! `http-body-util` and `bytes`; with `hyper-client` also of `rustls`; with `retry` also of `tower`. A major release of one of them is a
//! major release of this crate.

#![cfg_attr(docsrs, feature(doc_cfg))]
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
#[cfg(any(feature = "_network", feature = "exec"))]
mod redact;
#[cfg(feature = "retry")]
pub mod retry;
mod runtime;
mod secret;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(any(feature = "_network", feature = "hyper-client"))]
mod transport;

pub use auth::{Auth, AuthError, AuthLayer, AuthOverride, GrpcAuth, GrpcAuthLayer};
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
pub use identity::{default_chain, default_chain_with};
#[cfg(feature = "impersonation")]
pub use impersonation::Impersonation;
pub use policy::{
    And, ApiKeyRules, Decision, Denial, ExecutionOnly, InvalidRule, Policy, RequestHead,
    TrustedOrigins, Unrestricted, Workflows,
};
pub use provider::CredentialProvider;
#[cfg(feature = "hyper-client")]
pub use transport::{HttpsTransport, HttpsTransportBuilder};

/// The response futures of the services.
pub mod future {
    pub use crate::auth::{GrpcResponseFuture, ResponseFuture};
}

#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../README.md")]
struct Readme;
