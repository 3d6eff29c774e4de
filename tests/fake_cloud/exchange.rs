//! The token exchange of workload identity.

use std::time::Duration;

use serde_json::json;
use yandex_cloud_auth::Clock;
use yandex_cloud_auth::testing::{ErrorShape, FakeCloud, ManualClock};

use crate::client::*;

/// A valid exchange in which one parameter is replaced.
fn call(cloud: &FakeCloud, name: &str, value: &str) -> Call {
    let (account, subject) = (cloud.other_service_account_id(), cloud.subject_token());
    let mut form = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("audience", &account),
        ("subject_token", &subject),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:id_token",
        ),
    ];
    if let Some(parameter) = form.iter_mut().find(|(known, _)| *known == name) {
        parameter.1 = value;
    }
    Call::post(&(cloud.oauth_url() + "/oauth/token")).form(&form)
}

#[tokio::test]
async fn subject_token_is_exchanged_for_audiences_token() {
    let cloud = FakeCloud::start().await;
    cloud.set_clock(ManualClock::new());
    let response = call(&cloud, "", "").send().await.json();
    assert_eq!(
        (&response["token_type"], &response["expires_in"]),
        (&"Bearer".into(), &43_200.into())
    );
    get_workflow(&cloud)
        .bearer(response["access_token"].as_str().unwrap())
        .send()
        .await;
    assert_eq!(
        cloud.audit().pop().unwrap().account,
        Some(cloud.other_service_account_id())
    );
}

#[tokio::test]
async fn exchange_requires_each_parameter() {
    let cloud = FakeCloud::start().await;
    let cases = [
        ("grant_type", "invalid_request"),
        ("requested_token_type", "invalid_request"),
        ("audience", "invalid_target"),
        ("subject_token", "invalid_grant"),
        ("subject_token_type", "invalid_request"),
    ];
    for (parameter, error) in cases {
        let response = call(&cloud, parameter, "wrong").send().await;
        assert_eq!(response.status, 400);
        assert_eq!(response.json()["error"], error, "{parameter}");
        assert!(response.json()["error_description"].is_string());
    }
}

#[tokio::test]
async fn json_body_is_rejected() {
    let cloud = FakeCloud::start().await;
    let response = Call::post(&(cloud.oauth_url() + "/oauth/token"))
        .json(json!({ "grant_type": "…" }))
        .send()
        .await;
    assert_eq!(
        response.json(),
        json!({ "error": "invalid_request", "error_description": "the body must be a form" })
    );
}

#[tokio::test]
async fn error_may_have_shape_of_iam() {
    let cloud = FakeCloud::start().await;
    cloud.set_exchange_errors(ErrorShape::Status);
    assert_eq!(
        call(&cloud, "subject_token", "wrong").send().await.error(),
        (401, 16)
    );
}

#[tokio::test]
async fn subject_token_expires() {
    let (cloud, clock) = (FakeCloud::start().await, ManualClock::new());
    cloud.set_clock(clock.clone());
    let subject = cloud.issue_subject_token(clock.wall() + Duration::from_secs(300));
    assert_eq!(
        call(&cloud, "subject_token", &subject).send().await.status,
        200
    );
    clock.advance(Duration::from_secs(300));
    assert_eq!(
        call(&cloud, "subject_token", &subject).send().await.json()["error"],
        "invalid_grant"
    );
}
