//! What goes wrong on demand, and only as often and where it was asked for.

use std::time::{Duration, Instant};

use http::HeaderValue;
use http::header::{LOCATION, RETRY_AFTER};
use serde_json::json;
use tokio::time::timeout;
use tonic::Code;
use yandex_cloud_auth::Scheme;
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host, proto};

use crate::ask::*;

/// How long a test waits for what must not come.
const PATIENCE: Duration = Duration::from_millis(200);

#[tokio::test]
async fn status_fault_ends_after_its_count() {
    let cloud = FakeCloud::start().await;
    cloud.inject(Host::Iam, Fault::status(503).retry_after("7").times(2));
    cloud.inject(Host::Iam, Fault::status(429).times(1));
    for _ in 0..2 {
        let answer = create_token(&cloud).send().await;
        assert_eq!(
            (answer.refusal(), &answer.headers[RETRY_AFTER]),
            ((503, 14), &HeaderValue::from_static("7"))
        );
    }
    let answer = create_token(&cloud).send().await;
    assert_eq!(
        (answer.refusal(), answer.headers.get(RETRY_AFTER)),
        ((429, 8), None)
    );
    token(&cloud).await;
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
    let token = token(&cloud).await;
    cloud.inject(
        Host::Iam,
        Fault::status(502).on_path("/iam/v1/tokens:revoke"),
    );
    let revoke = || {
        Ask::post(&(cloud.iam_url() + "/iam/v1/tokens:revoke"))
            .json(json!({ "iamToken": token }))
            .bearer(&token)
    };
    for _ in 0..3 {
        assert_eq!(revoke().send().await.refusal(), (502, 14));
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
    let answer = create_token(&cloud).send().await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["content-type"]),
        (200, &HeaderValue::from_static("text/html"))
    );
    assert!(answer.body.starts_with(b"<!doctype html>"));

    let elsewhere =
        Fault::answer(302, "").header(LOCATION, HeaderValue::from_static("https://evil.example/"));
    cloud.inject(Host::Iam, elsewhere.times(1));
    let answer = create_token(&cloud).send().await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers[LOCATION]),
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
    cloud.inject(Host::Iam, Fault::slow(PATIENCE));
    let start = Instant::now();
    token(&cloud).await;
    assert!(start.elapsed() >= PATIENCE, "{:?}", start.elapsed());
}

#[tokio::test]
async fn hanging_request_is_recorded_without_status() {
    let cloud = FakeCloud::start().await;
    cloud.inject(Host::Metadata, Fault::hang());
    let ask = Ask::get(&(cloud.metadata_url() + "/")).send();
    assert!(timeout(PATIENCE, ask).await.is_err());
    assert_eq!(cloud.audit()[0].status, None);
}

#[tokio::test]
async fn response_may_break_off() {
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
            timeout(PATIENCE, create_token(&cloud).try_send())
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
    token(&cloud).await;
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
