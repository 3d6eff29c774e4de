//! The interceptor of a tonic over `http` 0.2.

mod support;

use tonic::client::Grpc;
use tonic::codec::ProstCodec;
use tonic::codegen::InterceptedService;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Response, Status};
use yandex_cloud_auth::testing::{FakeCloud, Host};
use yandex_cloud_auth::{CredentialCache, Scheme};
use yandex_cloud_auth_clients_tests::tonic::interceptor;

use support::*;

const LIST: &str = "/yandex.cloud.serverless.workflows.v1.ExecutionService/List";

#[test]
fn page_has_recipe() {
    assert!(PAGE.contains(include_str!("../src/tonic.rs")));
}

/// Does what a generated client does, with messages that ignore all fields.
async fn list(cloud: &FakeCloud, cache: &CredentialCache) -> Result<Response<()>, Status> {
    let channel = Endpoint::new(cloud.grpc_url()).unwrap().connect_lazy();
    let mut client = Grpc::new(InterceptedService::new(channel, interceptor(cache.clone())));
    client.ready().await.unwrap();
    let codec = ProstCodec::<(), ()>::default();
    client
        .unary(Request::new(()), PathAndQuery::from_static(LIST), codec)
        .await
}

#[tokio::test]
async fn call_has_cached_token() {
    let cloud = FakeCloud::start().await;
    let cache = cache(&cloud);
    cache.get().await.unwrap();
    let _ = list(&cloud, &cache).await;
    let request = received(&cloud, Host::Grpc);
    assert_eq!(request.path, LIST);
    assert_eq!(request.scheme, Some(Scheme::Bearer));
    assert_eq!(request.account, Some(cloud.service_account_id()));
}

#[tokio::test]
async fn empty_cache_is_unavailable() {
    let cloud = FakeCloud::start().await;
    let status = list(&cloud, &cache(&cloud)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(cloud.audit().is_empty());
}
