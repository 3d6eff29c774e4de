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
//! # First request
//!
//! Sends a request to the Workflows API as a service account, and reads the response:
//!
//! ```no_run
//! # #[cfg(all(feature = "hyper-client", feature = "service-account"))]
//! # async fn example() -> Result<(), tower::BoxError> {
//! use http::Request;
//! use http_body_util::{BodyExt, Full};
//! use tower::{Layer, ServiceExt};
//! use yandex_cloud_auth::{AuthLayer, HttpsTransport, ServiceAccountKey};
//!
//! let auth = AuthLayer::new(ServiceAccountKey::from_file("key.json")?);
//! // Any tower service over `http::Request`, such as hyper-util's `Client`.
//! let client = auth.layer(HttpsTransport::new());
//!
//! let url = "https://serverless-workflows.api.cloud.yandex.net/workflows/v1/execution?workflowId=dfq...";
//! let response = client.oneshot(Request::get(url).body(Full::default())?).await?;
//! println!("{} {:?}", response.status(), response.into_body().collect().await?.to_bytes());
//! # Ok(())
//! # }
//! ```
//!
//! The first request waits for a token, and later ones take it from the cache. Create one layer for
//! each identity and clone it: clones share the cache. Against a fake cloud on loopback: `cargo run
//! --example quickstart --features testing`, and [`testing::FakeCloud`] in tests.
//!
//! # Identities
//!
//! | who sends the requests | provider |
//! | --- | --- |
//! | a service account with an authorized key | [`ServiceAccountKey::from_file`] |
//! | a virtual machine, a function, a container | [`MetadataService::new`] |
//! | a workload of Kubernetes, GitHub, GitLab, or of another issuer | [`WorkloadIdentity`] |
//! | a service account that another identity may act as | [`Impersonation`] |
//! | you, logged in with the `yc` CLI | [`YcCli`] |
//! | the owner of an API key | [`Credential::api_key`] |
//! | a token or key in a variable, in a file, or printed by a program | [`EnvCredential`], [`CredentialFile`], [`Exec`] |
//! | the first of these that is configured on the machine | [`default_chain`], or a [`Chain`] of your own |
//! | anything else | a closure, or your own [`CredentialProvider`] |
//!
//! Lifetimes, and where each works: [`docs::identities`]. Examples for each platform:
//! [`docs::federations`].
//!
//! # Where the layer goes
//!
//! Directly outside of the client, and inside of timeouts, limits and retries. The policy judges
//! the request that the layer sees, so nothing below it may change the target or follow redirects:
//!
//! ```
//! use std::time::Duration;
//! use tower::ServiceBuilder;
//! use yandex_cloud_auth::{AuthLayer, Credential};
//!
//! # let http_client = tower::service_fn(|_: http::Request<String>| async { Ok::<_, std::io::Error>(http::Response::new(())) });
//! # let provider = Credential::iam_token("t1.abc")?;
//! let client = ServiceBuilder::new()
//!     .timeout(Duration::from_secs(10)) // The wait for a credential included.
//!     .layer(AuthLayer::new(provider))
//!     .service(http_client);
//! # fn assert_service<S: tower::Service<http::Request<String>>>(_: S) {}
//! # assert_service(client);
//! # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
//! ```
//!
//! * All other layers, tonic and reqwest: [`docs::stacks`].
//! * gRPC: [`AuthLayer::grpc`] after [`AuthLayer::with_origin`]. Errors of the layer become gRPC
//!   statuses.
//! * Clients that are not tower services: [`CredentialCache::get`], and [`docs::clients`].
//! * One request with another credential, or with none: [`AuthOverride`].
//! * Another attempt after a 401 response: [`retry::OnUnauthorized`], or [`retry::ReplayLayer`] for
//!   bodies that are not `Clone`.
//!
//! # What the policy does
//!
//! A [`Policy`] decides for each request: attach the credential, send the request without it, or do
//! not send the request. The default, [`Workflows`], attaches a credential only over `https` and
//! only to hosts of Yandex Cloud, and an API key only to the methods of the Workflows API that
//! accept one, those of its Execution resource.
//!
//! ```
//! use http::Request;
//! use yandex_cloud_auth::{Credential, Decision, Policy, RequestHead, Workflows};
//!
//! let decide = |url: &str, credential: &Credential| {
//!     let request = Request::get(url).body(())?;
//!     Ok::<_, http::Error>(Workflows::new().decide(&RequestHead::of(&request), credential))
//! };
//! let token = Credential::iam_token("t1.abc")?;
//! let key = Credential::api_key("AQVNabc")?;
//! let api = "https://serverless-workflows.api.cloud.yandex.net/workflows/v1";
//!
//! assert!(matches!(decide("https://iam.api.cloud.yandex.net/", &token)?, Decision::Attach));
//! assert!(matches!(decide("https://example.com/", &token)?, Decision::Deny(_)));
//! assert!(matches!(decide(&format!("{api}/execution/dfe1"), &key)?, Decision::Attach));
//! assert!(matches!(decide(&format!("{api}/workflow/dfq1"), &key)?, Decision::Deny(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A URI without a host, such as tonic's, is judged by [`AuthLayer::with_origin`]. If none is set,
//! the origin of such a request is not checked. The variable `YC_ENDPOINT` adds the hosts of its
//! [`Region`]. Other services and regions: [`docs::services`].
//!
//! # How renewal works
//!
//! A token of 12 hours, on an ordinary day, then with IAM down, then revoked:
//!
//! ```text
//!             fetch      renewed     renewed                                      A expires
//!             │          │           │                                            │
//! normal      A──────────B───────────C───────────D─ …
//!             0        ≤ 1 h       ≤ 2 h       ≤ 3 h       no request waits after the first
//!
//! IAM down    A──────────╳─────╳─────╳─────╳─────╳─────╳─────╳─────╳─────╳─────╳──┤
//!             0          due: A is still used. A try every 5 to 10 minutes        12 h: expired,
//!                                                                                 requests fail
//! revoked     A────401 B─────────── …
//!             0     │  └ the next request waits for B
//!                   └ A is dropped, once, however many requests carried it
//! ```
//!
//! * **Fresh** until an hour of age or 80 % of the lifetime, less a random part of up to a tenth. The first
//!   credential is renewed earlier, at a random time, so that processes that start together do not
//!   renew together.
//! * **Due** from then on: requests use it while one fetch runs. A failed fetch starts a cool-down,
//!   and never removes a valid credential.
//! * **Expired** in the last 5 % of its life, at most the last 10 seconds: requests wait for a fetch,
//!   and fail with its error if it fails. During the cool-down they fail at once.
//!
//! One fetch serves all requests that wait. A request that is dropped while it waits does not end
//! the fetch. Settings: [`CredentialCacheBuilder`]. Details: [`CredentialCache`]. Starting, health
//! checks and stopping: [`docs::operations`].
//!
//! # Errors
//!
//! A request that was not sent fails with an [`AuthError`]: the policy denied it, or there is no
//! credential. Errors of the client pass the layer unchanged.
//!
//! ```
//! use tower::{BoxError, Layer, ServiceExt};
//! use yandex_cloud_auth::{AuthError, AuthLayer, ProviderError};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! # let http_client = tower::service_fn(|_: http::Request<()>| async { Ok::<_, std::io::Error>(http::Response::new(())) });
//! let provider = || async { Err(ProviderError::transient("the vault is sealed")) };
//! let client = AuthLayer::new(provider).layer(http_client);
//!
//! let request = http::Request::get("https://iam.api.cloud.yandex.net/").body(())?;
//! let error: BoxError = client.oneshot(request).await.unwrap_err();
//! match error.downcast_ref::<AuthError>() {
//!     Some(AuthError::Provider(error)) if error.is_transient() => println!("503: {error}"),
//!     Some(AuthError::Provider(error)) => println!("500, somebody has to act: {error}"),
//!     Some(AuthError::Denied(denial)) => println!("a defect of this program: {denial}"),
//!     _ => println!("502: {error}"),
//! }
//! # assert_eq!(error.to_string(), "no credential to send: the vault is sealed");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! From the text of each error to what to do: [`docs::troubleshooting`].
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
//! # Security model
//!
//! | against | what is promised |
//! | --- | --- |
//! | somebody who can choose a URL, a path or a header of a request | a credential goes only where the policy allows; a URI whose host could be read in two ways is denied, and with an API key also such a path |
//! | a server that redirects | the layer judges each hop that passes it, and the providers follow none |
//! | the network | tokens and assertions of the providers go only over TLS, loopback and link-local addresses such as the metadata service's excepted; certificates are verified |
//! | a hostile or broken token endpoint | at most 64 KiB of a response are read, within a time limit; nothing in it makes the crate panic; its text is cut and cleaned before it is shown |
//! | a reader of logs, metrics and error reports | no token or key is in `Debug`, `Display`, errors, events, spans or panic messages; header values are marked as sensitive |
//! | a reader of memory that was freed | memory of this crate that held a token or key is zeroed |
//! | a server that rejects everything | drops are rate-limited, so that 401 responses cause no flood of fetches |
//!
//! Not promised:
//!
//! * protection from code in the same process, from the administrator of the machine, or from
//!   others who set its environment variables: `YC_ENDPOINT` names hosts that the default policy
//!   trusts;
//! * that copies in other crates are zeroed: the HTTP client and TLS have buffers of their own;
//! * that a logger which prints headers regardless of the sensitive mark is safe;
//! * the origin of a request without a host if [`AuthLayer::with_origin`] is not set, and what a
//!   client inside of the layer does, such as following redirects;
//! * anything that [`Unrestricted`], `allow_any_https` or `allow_insecure` permit;
//! * pinned certificates: the trusted roots are those of the system, unless you set others.
//!
//! # Guarantees and limits
//!
//! Costs: [`docs::performance`]. Events, metrics and alerts: [`docs::telemetry`].
//!
//! * A request with a cached credential does not wait. While the credential is fresh, it takes no
//!   lock, and the layer allocates nothing for it, except a copy of the header value once per token
//!   and clone of the service, and for a request that the key of
//!   [`with_api_key`](AuthLayer::with_api_key) may not make.
//! * A request carries exactly one `Authorization`: what the caller set is replaced.
//! * The crate never sends your request twice without [`retry`], and never drops a credential for a
//!   403.
//! * All futures may be dropped at any time. Clones of all handles are cheap.
//! * The crate has no `unsafe` code, and its constructors spawn nothing.
//! * A cache holds one credential, in memory, for one process: nothing is written to disk or
//!   shared.
//! * Ahead-of-time renewal needs the feature `tokio` and a tokio runtime. Elsewhere the requests
//!   drive the fetch.
//! * A token in its first 5 seconds is not dropped. Drops are at least 30 seconds apart, up to 10
//!   minutes while they follow one another. Until then, a rejected token is sent again.
//! * [`HttpsTransport`] opens a connection for each request. It is for the providers, not for
//!   traffic.
//!
//! # Versions
//!
//! The minimum supported Rust version is 1.85; `testing` needs what tonic needs, currently 1.88. It
//! rises in minor releases only, to a version that is at least six months old.
//!
//! The crate follows semantic versioning. The public interface names types of `http`, `http-body`,
//! `tower-layer` and `tower-service`. The network providers add `http-body-util` and `bytes`,
//! `hyper-client` adds `rustls`, `retry` adds `tower` and `bytes`, and `testing` adds `tonic`, `prost`
//! and `serde_json` ([the types](docs::features#types-of-other-crates)). A major release of one of them
//! is a major release of this crate. The text of errors may change in any release.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Badges do not name the internal feature.
#![cfg_attr(docsrs, doc(auto_cfg(hide(feature = "_network"))))]
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
//     variable       the values of environment variables
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
// Not a part of the program, so it needs no feature.
#[cfg_attr(docsrs, doc(auto_cfg = false))]
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
mod variable;

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
