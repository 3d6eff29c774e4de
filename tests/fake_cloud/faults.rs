//! Injected faults, and the limits on them.

use std::time::{Duration, Instant};

use http::HeaderValue;
use http::header::{LOCATION, RETRY_AFTER};
use serde_json::json;
use tokio::time::timeout;
use tonic::Code;
use yandex_cloud_auth::Scheme;
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host, proto};

use crate::client::*;

/// The time after which a test assumes that nothing arrives.
const TIME_LIMIT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn status_fault_ends_after_its_count() {
    let cloud = FakeCloud::start().await;
    cloud.inject(Host::Iam, Fault::status(503).retry_after("7").times(2));
    cloud.inject(Host::Iam, Fault::status(429).times(1));
    for _ in 0..2 {
        let response = create_token(&cloud).send().await;
        assert_eq!(
            (response.error(), &response.headers[RETRY_AFTER]),
            ((503, 14), &HeaderValue::from_static("7"))
        );
    }
    let response = create_token(&cloud).send().await;
    assert_eq!(
        (response.error(), response.headers.get(RETRY_AFTER)),
        ((429, 8), None)
    );
    issue_token(&cloud).await;
    let seen: Vec<_> = cloud
        .audit()
        .iter()
        .map(|request| request.status.unwrap().as_u16())
        .collect();
    assert_eq!(seen, [503, 503, 429, 200]);
}

#[tokio::test]
async fn fault_lasts_until_healed() {
    let cloud = FakeCloud::start().await;
    let token = issue_token(&cloud).await;
    cloud.inject(
        Host::Iam,
        Fault::status(502).on_path("/iam/v1/tokens:revoke"),
    );
    let revoke = || {
        Call::post(&(cloud.iam_url() + "/iam/v1/tokens:revoke"))
            .json(json!({ "iamToken": token }))
            .bearer(&token)
    };
    for _ in 0..3 {
        assert_eq!(revoke().send().await.error(), (502, 14));
    }
    assert_eq!(create_token(&cloud).send().await.status, 200);
    assert_eq!(get_workflow(&cloud).bearer(&token).send().await.status, 200);
    cloud.heal(Host::Iam);
    assert_eq!(revoke().send().await.status, 200);
}

#[tokio::test]
async fn response_body_may_be_anything() {
    let cloud = FakeCloud::start().await;
    cloud.inject(Host::Iam, Fault::garbage().times(1));
    let response = create_token(&cloud).send().await;
    assert_eq!(
        (response.status.as_u16(), &response.headers["content-type"]),
        (200, &HeaderValue::from_static("text/html"))
    );
    assert!(response.body.starts_with(b"<!doctype html>"));

    let elsewhere =
        Fault::answer(302, "").header(LOCATION, HeaderValue::from_static("https://evil.example/"));
    cloud.inject(Host::Iam, elsewhere.times(1));
    let response = create_token(&cloud).send().await;
    assert_eq!(
        (response.status.as_u16(), &response.headers[LOCATION]),
        (302, &HeaderValue::from_static("https://evil.example/"))
    );

    cloud.inject(Host::Iam, Fault::answer(200, r#"{"iamToken":""}"#).times(1));
    assert_eq!(
        create_token(&cloud).send().await.json(),
        json!({ "iamToken": "" })
    );
}

#[tokio::test]
async fn slow_response_is_late_and_correct() {
    let cloud = FakeCloud::start().await;
    cloud.inject(Host::Iam, Fault::slow(TIME_LIMIT));
    let start = Instant::now();
    issue_token(&cloud).await;
    assert!(start.elapsed() >= TIME_LIMIT, "{:?}", start.elapsed());
}

#[tokio::test]
async fn hanging_request_is_recorded_without_status() {
    let cloud = FakeCloud::start().await;
    cloud.inject(Host::Metadata, Fault::hang());
    let call = Call::get(&(cloud.metadata_url() + "/")).send();
    assert!(timeout(TIME_LIMIT, call).await.is_err());
    assert_eq!(cloud.audit()[0].status, None);
}

#[tokio::test]
async fn response_may_be_cut_short() {
    let cloud = FakeCloud::start().await;
    for fault in [Fault::hang_up(), Fault::cut_short()] {
        cloud.inject(Host::Iam, fault.clone().times(2));
        assert!(create_token(&cloud).try_send().await.is_err(), "{fault:?}");
        assert!(
            create_token(&cloud).http2().try_send().await.is_err(),
            "{fault:?}"
        );
    }
    for fault in [Fault::stall(), Fault::endless()] {
        cloud.inject(Host::Iam, fault.clone().times(1));
        assert!(
            timeout(TIME_LIMIT, create_token(&cloud).try_send())
                .await
                .is_err(),
            "{fault:?}"
        );
        assert_eq!(
            cloud.audit().pop().unwrap().status.unwrap(),
            200,
            "{fault:?}"
        );
    }
    issue_token(&cloud).await;
}

#[tokio::test]
async fn grpc_client_sees_status_or_bare_response() {
    let cloud = FakeCloud::start().await;
    let mut client = proto::ExecutionServiceClient::new(channel(&cloud).await);
    let key = cloud.api_key();
    let request = || {
        let message = proto::ListExecutionsRequest {
            workflow_id: "dfq1".to_owned(),
            ..Default::default()
        };
        grpc(message, Scheme::ApiKey, &key)
    };
    let codes = [
        (Fault::status(503), Code::Unavailable),
        (Fault::status(429), Code::ResourceExhausted),
        (Fault::status(401), Code::Unauthenticated),
        (Fault::status(403), Code::PermissionDenied),
        (Fault::answer(503, ""), Code::Unavailable),
    ];
    for (fault, code) in codes {
        cloud.inject(Host::Grpc, fault.times(1));
        assert_eq!(client.list(request()).await.unwrap_err().code(), code);
    }
    client.list(request()).await.unwrap();
}
