//! The clients of the API: REST and gRPC with a token, and REST with an API key.

use std::fmt::Write;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tonic::transport::{Channel, Endpoint};
use tower::limit::ConcurrencyLimit;
use tower::retry::Retry;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use yandex_cloud_auth::retry::OnUnauthorized;
use yandex_cloud_auth::testing::proto::{ExecutionServiceClient, ListExecutionsRequest};
use yandex_cloud_auth::{
    And, Auth, AuthError, AuthLayer, CredentialCache, ExecutionOnly, GrpcAuth, Policy, Scheme,
    TrustedOrigins,
};

use crate::clock::FastClock;
use crate::outcome::{Attempt, Outcome, Token};

/// Longer than a fetch may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The requests that one client has open at once, fewer than its workers.
const CONCURRENCY: usize = 8;

/// The last part of a token's life, in which the cache does not use it.
const ALLOWANCE: Duration = Duration::from_secs(10);

/// The header by which the cloud's record names the client.
pub(crate) const CLIENT: &str = "soak-client";

type Loopback = And<TrustedOrigins, ExecutionOnly>;
type Rest = Auth<ConcurrencyLimit<HyperClient<HttpConnector, Full<Bytes>>>, Loopback>;

/// Which of the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ApiKey,
    Grpc,
    Rest,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::ApiKey, Self::Grpc, Self::Rest];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "api-key",
            Self::Grpc => "grpc",
            Self::Rest => "rest",
        }
    }

    pub(crate) const fn scheme(self) -> Scheme {
        match self {
            Self::ApiKey => Scheme::ApiKey,
            Self::Grpc | Self::Rest => Scheme::Bearer,
        }
    }
}

/// A client and the cache of its layer. Clones share connections and credentials.
#[derive(Clone)]
pub(crate) struct Client {
    kind: Kind,
    cache: CredentialCache,
    clock: FastClock,
    token: Option<Token>,
    transport: Transport,
}

#[derive(Clone)]
enum Transport {
    Grpc(ExecutionServiceClient<GrpcAuth<ConcurrencyLimit<Channel>, Loopback>>),
    /// The URL, and the service.
    Replayed(String, Retry<OnUnauthorized, Rest>),
    Rest(String, Rest),
}

impl Client {
    /// REST over HTTP/1.1 with a token. Sends a request once more after a `401`.
    pub(crate) fn rest(cache: CredentialCache, clock: FastClock, url: String) -> Self {
        let service = ServiceBuilder::new()
            .retry(OnUnauthorized::new())
            .layer(layer(&cache))
            .concurrency_limit(CONCURRENCY)
            .service(http_client(false));
        Self {
            kind: Kind::Rest,
            cache,
            clock,
            token: None,
            transport: Transport::Replayed(url, service),
        }
    }

    /// REST over HTTP/2 with an API key.
    pub(crate) fn api_key(cache: CredentialCache, clock: FastClock, url: String) -> Self {
        let service = ServiceBuilder::new()
            .layer(layer(&cache))
            .concurrency_limit(CONCURRENCY)
            .service(http_client(true));
        Self {
            kind: Kind::ApiKey,
            cache,
            clock,
            token: None,
            transport: Transport::Rest(url, service),
        }
    }

    /// gRPC with a token.
    pub(crate) fn grpc(
        cache: CredentialCache,
        clock: FastClock,
        url: &str,
    ) -> Result<Self, BoxError> {
        let service = ServiceBuilder::new()
            .layer(layer(&cache).with_origin(url)?.grpc())
            .concurrency_limit(CONCURRENCY)
            .service(Endpoint::from_shared(url.to_owned())?.connect_lazy());
        Ok(Self {
            kind: Kind::Grpc,
            cache,
            clock,
            token: None,
            transport: Transport::Grpc(ExecutionServiceClient::new(service)),
        })
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Sends one request and reads the whole response.
    pub(crate) async fn send(&mut self) -> Attempt {
        let before = self.cache.peek();
        self.see_token();
        let start = Instant::now();
        let outcome = tokio::time::timeout(TIMEOUT, self.transport.send(self.kind)).await;
        let after = self.cache.peek();
        let held = before
            .zip(after)
            .is_some_and(|(before, after)| before.fingerprint() == after.fingerprint());
        Attempt {
            start,
            outcome: outcome.unwrap_or(Outcome::TimedOut),
            held,
            token: self.token,
        }
    }

    /// Remembers the token in the cache. One that was lost stays remembered.
    fn see_token(&mut self) {
        let status = self.cache.status();
        let times = status.fetched_at().zip(status.expires_at());
        let token = times.map(|(fetched, expires)| Token {
            fetched: self.clock.real(fetched),
            expires: self.clock.real(expires - ALLOWANCE),
        });
        self.token = token.or(self.token);
    }
}

impl Transport {
    async fn send(&mut self, kind: Kind) -> Outcome {
        match self {
            Self::Grpc(client) => list_grpc(client, kind).await,
            Self::Replayed(url, service) => list_rest(service, url, kind).await,
            Self::Rest(url, service) => list_rest(service, url, kind).await,
        }
    }
}

fn layer(cache: &CredentialCache) -> AuthLayer<Loopback> {
    let loopback = TrustedOrigins::none().allow_loopback().and(ExecutionOnly);
    AuthLayer::from_cache(cache.clone()).with_policy(loopback)
}

fn http_client(http2: bool) -> HyperClient<HttpConnector, Full<Bytes>> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    HyperClient::builder(TokioExecutor::new())
        .http2_only(http2)
        .build(connector)
}

async fn list_rest<S>(service: &mut S, url: &str, kind: Kind) -> Outcome
where
    S: Service<Request<Full<Bytes>>, Response = http::Response<hyper::body::Incoming>>,
    S::Error: Into<BoxError>,
{
    let request = Request::get(format!("{url}/workflows/v1/execution?workflowId=dfq1"))
        .header(CLIENT, kind.name())
        .body(Full::default())
        .expect("the URL is valid");
    let response = match service.ready().await {
        Ok(service) => service.call(request).await,
        Err(error) => Err(error),
    };
    let (parts, body) = match response {
        Ok(response) => response.into_parts(),
        Err(error) => return unsent_or_failed(&error.into()),
    };
    match body.collect().await {
        Err(error) => Outcome::Failed(with_causes(&error)),
        Ok(_) if parts.status.is_success() => Outcome::Answered,
        Ok(_) if parts.status == 401 => Outcome::Rejected,
        Ok(_) => Outcome::Failed(parts.status.to_string()),
    }
}

fn unsent_or_failed(error: &BoxError) -> Outcome {
    match error.downcast_ref() {
        Some(AuthError::Provider(error)) => Outcome::Unsent(error.to_string()),
        Some(error) => Outcome::Denied(error.to_string()),
        None => Outcome::Failed(with_causes(&**error)),
    }
}

async fn list_grpc(
    client: &mut ExecutionServiceClient<GrpcAuth<ConcurrencyLimit<Channel>, Loopback>>,
    kind: Kind,
) -> Outcome {
    let mut request = tonic::Request::new(ListExecutionsRequest {
        workflow_id: "dfq1".to_owned(),
        ..Default::default()
    });
    let name = tonic::metadata::MetadataValue::from_static(kind.name());
    request.metadata_mut().insert(CLIENT, name);
    let Err(status) = client.list(request).await else {
        return Outcome::Answered;
    };
    let by_layer = status.metadata().get("yandex-cloud-auth");
    match by_layer.map(|reason| reason.as_bytes()) {
        Some(b"no-credential") => Outcome::Unsent(status.message().to_owned()),
        Some(_) => Outcome::Denied(status.message().to_owned()),
        None if status.code() == tonic::Code::Unauthenticated => Outcome::Rejected,
        None => Outcome::Failed(with_causes(&status)),
    }
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        write!(text, ": {error}").expect("a string accepts text");
        source = error.source();
    }
    text
}
