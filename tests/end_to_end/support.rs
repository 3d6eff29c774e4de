//! A client, a channel, and one layer for both, as a program would create them.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tonic::transport::{Channel, Endpoint};
use tower::{BoxError, Layer, ServiceExt};
use yandex_cloud_auth::testing::{FakeCloud, Host, ManualClock, proto};
use yandex_cloud_auth::{
    And, AuthLayer, CredentialCache, CredentialProvider, ExecutionOnly, Policy, ServiceAccountKey,
    TrustedOrigins,
};

pub(crate) type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// The default policy, with loopback in place of the cloud's hosts.
pub(crate) type Loopback = And<TrustedOrigins, ExecutionOnly>;

/// A route without side effects that accepts tokens and API keys.
pub(crate) const LIST: &str = "/workflows/v1/execution?workflowId=dfq1";

pub(crate) fn loopback() -> Loopback {
    TrustedOrigins::none().allow_loopback().and(ExecutionOnly)
}

pub(crate) fn layer(provider: impl CredentialProvider) -> AuthLayer<Loopback> {
    AuthLayer::new(provider).with_policy(loopback())
}

/// A provider with the authorized key of the cloud's first service account.
pub(crate) fn account(cloud: &FakeCloud) -> ServiceAccountKey {
    ServiceAccountKey::from_json(cloud.service_account_key())
        .unwrap()
        .with_endpoint(cloud.iam_url())
}

/// A layer with that provider, and the clock that its cache and the cloud share.
pub(crate) fn on_one_clock(cloud: &FakeCloud) -> (AuthLayer<Loopback>, ManualClock) {
    let clock = ManualClock::new();
    cloud.set_clock(clock.clone());
    let cache = CredentialCache::builder(account(cloud))
        .clock(clock.clone())
        .build();
    (AuthLayer::from_cache(cache).with_policy(loopback()), clock)
}

pub(crate) fn client(http2: bool) -> HttpClient {
    Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .build_http()
}

pub(crate) fn channel(cloud: &FakeCloud) -> Channel {
    Endpoint::from_shared(cloud.grpc_url())
        .unwrap()
        .connect_lazy()
}

pub(crate) fn request_to(method: &str, url: String) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method.parse::<Method>().unwrap())
        .uri(url)
        .body(Full::default())
        .unwrap()
}

/// Lists executions by REST over HTTP/1.1.
pub(crate) async fn list(
    layer: &AuthLayer<Loopback>,
    cloud: &FakeCloud,
) -> Result<StatusCode, BoxError> {
    let response = send(
        layer,
        false,
        request_to("GET", cloud.workflows_url() + LIST),
    )
    .await?;
    Ok(response.status())
}

pub(crate) async fn send(
    layer: &AuthLayer<Loopback>,
    http2: bool,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, BoxError> {
    layer.layer(client(http2)).oneshot(request).await
}

/// Lists executions by gRPC.
pub(crate) async fn list_grpc(
    layer: &AuthLayer<Loopback>,
    cloud: &FakeCloud,
) -> Result<(), tonic::Status> {
    let mut client = proto::ExecutionServiceClient::new(layer.clone().grpc().layer(channel(cloud)));
    let request = proto::ListExecutionsRequest {
        workflow_id: "dfq1".to_owned(),
        ..Default::default()
    };
    client.list(request).await.map(drop)
}

pub(crate) fn iam_calls(cloud: &FakeCloud) -> usize {
    cloud.count(|request| request.host == Host::Iam)
}

/// Waits until `is_true` returns `true`. Panics after ten seconds.
pub(crate) async fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let condition = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    within(what, condition).await;
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within ten seconds"))
}
