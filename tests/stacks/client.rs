//! A gRPC client in the shape of a generated one, and what the stacks are made of.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http_body::Body as HttpBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic::transport::{Channel, Endpoint};
use tonic::{IntoRequest, IntoStreamingRequest, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::BoxError;
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{
    And, AuthLayer, CredentialCache, CredentialProvider, ExecutionOnly, Policy, TrustedOrigins,
};

use crate::server::{BIDIRECTIONAL, CLIENT_STREAM, SERVER_STREAM, UNARY};
use crate::token::token;

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

/// What tonic generates for a service with one method of each kind.
#[derive(Clone, Debug)]
pub(crate) struct EchoClient<T> {
    inner: Grpc<T>,
}

impl<T> EchoClient<T>
where
    T: GrpcService<Body>,
    T::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <T::ResponseBody as HttpBody>::Error: Into<BoxError> + Send,
{
    pub(crate) fn new(inner: T) -> Self {
        Self {
            inner: Grpc::new(inner),
        }
    }

    pub(crate) async fn unary(
        &mut self,
        request: impl IntoRequest<String>,
    ) -> Result<Response<String>, Status> {
        self.ready().await?;
        let (path, codec) = (UNARY.parse().unwrap(), ProstCodec::default());
        self.inner.unary(request.into_request(), path, codec).await
    }

    pub(crate) async fn client_stream(
        &mut self,
        messages: impl Stream<Item = String> + Send + 'static,
    ) -> Result<Response<String>, Status> {
        self.ready().await?;
        let (path, codec) = (CLIENT_STREAM.parse().unwrap(), ProstCodec::default());
        self.inner
            .client_streaming(messages.into_streaming_request(), path, codec)
            .await
    }

    pub(crate) async fn server_stream(
        &mut self,
        request: impl IntoRequest<String>,
    ) -> Result<Response<Streaming<String>>, Status> {
        self.ready().await?;
        let (path, codec) = (SERVER_STREAM.parse().unwrap(), ProstCodec::default());
        self.inner
            .server_streaming(request.into_request(), path, codec)
            .await
    }

    pub(crate) async fn bidirectional(
        &mut self,
        messages: impl Stream<Item = String> + Send + 'static,
    ) -> Result<Response<Streaming<String>>, Status> {
        self.ready().await?;
        let (path, codec) = (BIDIRECTIONAL.parse().unwrap(), ProstCodec::default());
        self.inner
            .streaming(messages.into_streaming_request(), path, codec)
            .await
    }

    async fn ready(&mut self) -> Result<(), Status> {
        let ready = self.inner.ready().await;
        ready.map_err(|error| Status::unknown(error.into().to_string()))
    }
}
