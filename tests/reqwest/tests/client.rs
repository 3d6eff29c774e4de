//! reqwest under the layer, by tower-reqwest.

mod support;

use http::Request;
use http_body_util::BodyExt;
use reqwest::Body;
use tower::{Service, ServiceExt};
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthError, AuthLayer};
use yandex_cloud_auth_reqwest_tests::client::client;

use support::*;

#[test]
fn page_has_recipe() {
    assert!(PAGE.contains(include_str!("../src/client.rs")));
}

#[tokio::test]
async fn rejected_request_is_replayed_with_its_body() {
    let cloud = FakeCloud::start().await;
    let (cache, clock) = cache(&cloud);
    let mut client = client(AuthLayer::from_cache(cache.clone()).with_policy(loopback())).unwrap();
    revoke(&cloud, &cache, &clock).await;

    let start = cloud.workflows_url() + "/workflows/v1/execution/start";
    let request = Request::post(start)
        .header("content-type", "application/json")
        .body(Body::from(r#"{"workflowId":"dfq1"}"#))
        .unwrap();
    let response = client.ready().await.unwrap().call(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(br#"{"executionId":"#), "{body:?}");
    assert_eq!(
        received(&cloud),
        ["/workflows/v1/execution/start Bearer"; 2]
    );
}

#[tokio::test]
async fn policy_denies_what_key_may_not_do() {
    let cloud = FakeCloud::start().await;
    let client = client(with_api_key(&cloud)).unwrap();
    let url = cloud.workflows_url();
    let allowed = client
        .clone()
        .oneshot(request(format!("{url}{LIST}")))
        .await;
    assert_eq!(allowed.unwrap().status(), 200);
    let error = client
        .oneshot(request(format!("{url}{WORKFLOW}")))
        .await
        .unwrap_err();
    assert!(
        matches!(error.downcast_ref(), Some(AuthError::Denied(_))),
        "{error}"
    );
    assert_eq!(received(&cloud), ["/workflows/v1/execution Api-Key"]);
}

#[tokio::test]
async fn redirect_goes_to_caller() {
    let cloud = FakeCloud::start().await;
    let client = client(with_api_key(&cloud)).unwrap();
    redirect_to(&cloud, WORKFLOW);
    let response = client
        .oneshot(request(cloud.workflows_url() + LIST))
        .await
        .unwrap();
    assert_eq!(response.status(), 307);
    assert_eq!(received(&cloud), ["/workflows/v1/execution Api-Key"]);
}
