//! Each layer of the table outside and inside, over a client with real sockets.

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::buffer::BufferLayer;
use tower::limit::{ConcurrencyLimitLayer, RateLimitLayer};
use tower::load_shed::LoadShedLayer;
use tower::timeout::TimeoutLayer;
use tower::{BoxError, Layer, ServiceExt};
use tower_http::trace::TraceLayer;
use yandex_cloud_auth::testing::{FakeCloud, Host};
use yandex_cloud_auth::{Scheme, ServiceAccountKey};

use super::*;
use crate::client::layer;

const MINUTE: Duration = Duration::from_secs(60);

async fn assert_serves<S, R>(cloud: &FakeCloud, stack: S)
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error: Into<BoxError>>,
{
    let url = cloud.workflows_url() + "/workflows/v1/execution?workflowId=dfq1";
    let request = Request::get(url).body(Full::default()).unwrap();
    let response = stack.oneshot(request).await.map_err(Into::into).unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn every_layer_serves_outside_and_inside() {
    let cloud = FakeCloud::start().await;
    let account = ServiceAccountKey::from_json(cloud.service_account_key()).unwrap();
    let auth = layer(account.with_endpoint(cloud.iam_url()));
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let inner = || auth.layer(client.clone());

    assert_serves(&cloud, TimeoutLayer::new(MINUTE).layer(inner())).await;
    assert_serves(
        &cloud,
        auth.layer(TimeoutLayer::new(MINUTE).layer(client.clone())),
    )
    .await;
    assert_serves(&cloud, BufferLayer::new(8).layer(inner())).await;
    assert_serves(
        &cloud,
        auth.layer(BufferLayer::new(8).layer(client.clone())),
    )
    .await;
    assert_serves(&cloud, ConcurrencyLimitLayer::new(8).layer(inner())).await;
    assert_serves(
        &cloud,
        auth.layer(ConcurrencyLimitLayer::new(8).layer(client.clone())),
    )
    .await;
    assert_serves(&cloud, RateLimitLayer::new(8, MINUTE).layer(inner())).await;
    assert_serves(&cloud, LoadShedLayer::new().layer(inner())).await;
    assert_serves(
        &cloud,
        auth.layer(LoadShedLayer::new().layer(client.clone())),
    )
    .await;
    assert_serves(&cloud, TraceLayer::new_for_http().layer(inner())).await;
    assert_serves(
        &cloud,
        auth.layer(TraceLayer::new_for_http().layer(client.clone())),
    )
    .await;
    assert_serves(&cloud, auth.layer(auth.layer(client.clone()))).await;

    let sent = |scheme| {
        cloud.count(|request| request.host == Host::Workflows && request.scheme == Some(scheme))
    };
    assert_eq!(sent(Scheme::Bearer), 12);
    assert_eq!(cloud.count(|request| request.host == Host::Iam), 1);
}
