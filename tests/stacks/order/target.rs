//! A layer that gives requests their origin, such as tonic's channel or `MapRequest`.

use tower::util::MapRequestLayer;
use tower::{Layer, ServiceExt};
use yandex_cloud_auth::{AuthError, AuthLayer};

use super::*;

fn send_to_evil(mut request: Request<String>) -> Request<String> {
    let path = request.uri().path();
    *request.uri_mut() = format!("https://evil.example{path}").parse().unwrap();
    request
}

fn without_origin() -> Request<String> {
    Request::get("/workflows/v1/execution")
        .body(String::new())
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn origin_set_outside_is_judged() {
    says(
        "a layer that sets the origin",
        "outside",
        "The policy judges the origin that is set.",
    );
    let client = Client::default();
    let auth = AuthLayer::new(token("t1.a"));
    let stack = MapRequestLayer::new(send_to_evil).layer(auth.layer(client.service()));
    let error = stack.oneshot(without_origin()).await.unwrap_err();
    assert!(
        matches!(error.downcast_ref(), Some(AuthError::Denied(_))),
        "{error}"
    );
    assert!(client.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn origin_set_inside_is_not_judged() {
    says(
        "a layer that sets the origin",
        "inside",
        "The policy does not see the origin. Set it by `with_origin`, too.",
    );
    let client = Client::default();
    let auth = AuthLayer::new(token("t1.a"));
    let inner = || MapRequestLayer::new(send_to_evil).layer(client.service());
    auth.clone()
        .layer(inner())
        .oneshot(without_origin())
        .await
        .unwrap();
    assert_eq!(client.received(), ["Bearer t1.a"]);

    let judged = auth.with_origin("https://evil.example").unwrap();
    judged
        .layer(inner())
        .oneshot(without_origin())
        .await
        .unwrap_err();
    assert_eq!(client.received().len(), 1);
}
