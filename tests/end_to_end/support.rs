//! What a program puts together: a client, a channel, and one layer around both.

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

/// The default policy, with loopback for the cloud's hosts.
pub(crate) type Loopback = And<TrustedOrigins, ExecutionOnly>;

/// One that every credential may use. `GET`, so that nothing changes by it.
pub(crate) const LIST: &str = "/workflows/v1/execution?workflowId=dfq1";

pub(crate) fn loopback() -> Loopback {
    TrustedOrigins::none().allow_loopback().and(ExecutionOnly)
}

pub(crate) fn layer(provider: impl CredentialProvider) -> AuthLayer<Loopback> {
    AuthLayer::new(provider).with_policy(loopback())
}

/// The service account of the cloud, by its key.
pub(crate) fn account(cloud: &FakeCloud) -> ServiceAccountKey {
    ServiceAccountKey::from_json(cloud.service_account_key())
        .unwrap()
        .with_endpoint(cloud.iam_url())
}

/// A layer over that account, and the one clock by which its cache and the cloud live.
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

pub(crate) fn ask(method: &str, url: String) -> Request<Full<Bytes>> {
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
    let response = send(layer, false, ask("GET", cloud.workflows_url() + LIST)).await?;
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

/// Fails where this has not come true in ten seconds.
pub(crate) async fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let comes_true = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    within(what, comes_true).await;
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future)
        .await
        .unwrap_or_else(|_| panic!("{what}: ten seconds"))
}
