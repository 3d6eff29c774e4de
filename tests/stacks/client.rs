//! What the stacks are made of.

use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tonic::transport::{Channel, Endpoint};
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{
    And, AuthLayer, CredentialCache, CredentialProvider, ExecutionOnly, Policy, TrustedOrigins,
};

use crate::token::token;

pub(crate) use echo::echo_client::EchoClient;

/// What tonic-prost-build generates from `proto/echo.proto`.
#[allow(dead_code, unreachable_pub, reason = "generated")]
mod echo {
    include!("proto/stacks.rs");
}

/// The default policy, with loopback in place of the hosts of the cloud.
pub(crate) type Loopback = And<TrustedOrigins, ExecutionOnly>;

pub(crate) fn loopback() -> Loopback {
    TrustedOrigins::none().allow_loopback().and(ExecutionOnly)
}

pub(crate) const OLD: &str = "Bearer t1.old";
pub(crate) const NEW: &str = "Bearer t1.new";

/// Returns the token of [`OLD`], then that of [`NEW`].
pub(crate) fn two_tokens() -> ScriptedProvider {
    ScriptedProvider::new()
        .answer(token("t1.old"))
        .answer(token("t1.new"))
}

pub(crate) fn layer(provider: impl CredentialProvider) -> AuthLayer<Loopback> {
    AuthLayer::new(provider).with_policy(loopback())
}

/// A layer whose credential is cached and old enough to be dropped.
pub(crate) async fn aged(provider: impl CredentialProvider) -> AuthLayer<Loopback> {
    let clock = ManualClock::new();
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    cache.get().await.unwrap();
    clock.advance(Duration::from_secs(60));
    AuthLayer::from_cache(cache).with_policy(loopback())
}

pub(crate) fn channel(url: String) -> Channel {
    Endpoint::from_shared(url).unwrap().connect_lazy()
}

/// TLS, with the test authority as the only root.
pub(crate) fn tls_connector() -> HttpsConnector<HttpConnector> {
    let authority = include_bytes!("../fixtures/certificate.pem");
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority).unwrap();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only()
        .enable_http2()
        .build()
}
