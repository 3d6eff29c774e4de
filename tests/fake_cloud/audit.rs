//! The record of requests.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{StatusCode, Version};
use serde_json::json;
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host, proto};
use yandex_cloud_auth::{Credential, Scheme};

use crate::client::*;

#[tokio::test]
async fn request_is_recorded_without_secret() {
    let cloud = FakeCloud::start().await;
    let token = issue_token(&cloud).await;
    get_workflow(&cloud).bearer(&token).send().await;
    list_executions(&cloud)
        .credentials(Scheme::ApiKey, &cloud.api_key())
        .http2()
        .send()
        .await;
    let [iam, get, list] = &cloud.audit()[..] else {
        panic!("three requests were sent")
    };

    assert_eq!(
        (iam.host, iam.method.as_str(), iam.path.as_str()),
        (Host::Iam, "POST", TOKENS)
    );
    assert_eq!(
        (iam.scheme, iam.fingerprint, &iam.account),
        (None, None, &None)
    );
    assert_eq!(
        (get.host, get.path.as_str()),
        (Host::Workflows, "/workflows/v1/workflow/dfq1")
    );
    assert_eq!(
        (get.version, get.scheme),
        (Version::HTTP_11, Some(Scheme::Bearer))
    );
    assert_eq!(
        get.fingerprint,
        Some(Credential::iam_token(&token).unwrap().fingerprint())
    );
    assert_eq!(get.account, Some(cloud.service_account_id()));
    assert_eq!(get.status, Some(StatusCode::OK));
    assert_eq!(
        (list.version, list.scheme),
        (Version::HTTP_2, Some(Scheme::ApiKey))
    );
    assert_eq!(list.path, "/workflows/v1/execution", "without the query");
    assert!(iam.at <= get.at && get.at <= list.at);

    let printed = format!("{:?} {cloud:?}", cloud.audit());
    assert!(
        !printed.contains(&token) && !printed.contains(&cloud.api_key()),
        "{printed}"
    );
}

#[tokio::test]
async fn requests_are_counted_by_credential() {
    let cloud = FakeCloud::start().await;
    let (first, second) = (issue_token(&cloud).await, issue_token(&cloud).await);
    for token in [&first, &second, &first] {
        get_workflow(&cloud).bearer(token).send().await;
    }
    let fingerprint = |token: &str| Credential::iam_token(token).unwrap().fingerprint();
    assert_eq!(
        cloud.requests_per_credential(),
        [(fingerprint(&first), 2), (fingerprint(&second), 1)]
    );
    assert_eq!(cloud.count(|request| request.path == TOKENS), 2);
    assert_eq!(cloud.count(|request| request.host == Host::Workflows), 3);
    cloud.clear_audit();
    assert_eq!(cloud.audit().len(), 0);
    get_workflow(&cloud).send().await;
    assert_eq!(cloud.audit()[0].status, Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn taken_requests_are_removed() {
    let cloud = FakeCloud::start().await;
    get_workflow(&cloud).send().await;
    assert_eq!(cloud.take_audit().len(), 1);
    assert_eq!(cloud.take_audit().len(), 0);
}

#[tokio::test]
async fn cleared_audit_ignores_late_response() {
    let cloud = FakeCloud::start().await;
    let call = || tokio::spawn(Call::get(&(cloud.metadata_url() + "/")).try_send());
    let received = async || {
        while cloud.audit().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    cloud.inject(
        Host::Metadata,
        Fault::slow(Duration::from_millis(200)).times(1),
    );
    cloud.inject(Host::Metadata, Fault::hang());
    let slow = call();
    received().await;
    cloud.clear_audit();
    let _hanging = call();
    received().await;
    assert!(slow.await.unwrap().is_ok());
    assert_eq!(cloud.audit()[0].status, None);
}

#[tokio::test]
async fn grpc_request_is_recorded_with_code() {
    let cloud = FakeCloud::start().await;
    let mut client = proto::ExecutionServiceClient::new(channel(&cloud).await);
    let request = || proto::ListExecutionsRequest {
        workflow_id: "dfq1".to_owned(),
        ..Default::default()
    };
    client
        .list(grpc(request(), Scheme::ApiKey, &cloud.api_key()))
        .await
        .unwrap();
    client.list(request()).await.unwrap_err();
    let seen: Vec<_> = cloud
        .audit()
        .iter()
        .map(|request| (request.status, request.grpc_status))
        .collect();
    let ok = Some(StatusCode::OK);
    assert_eq!(
        seen,
        [
            (ok, Some(tonic::Code::Ok)),
            (ok, Some(tonic::Code::Unauthenticated))
        ]
    );
}

#[tokio::test]
async fn response_carries_request_id() {
    let cloud = FakeCloud::start().await;
    let id = http::HeaderName::from_static("x-request-id");
    let given = get_workflow(&cloud).header(id.clone(), "mine").send().await;
    assert_eq!(given.headers[&id], "mine");
    assert_eq!(given.json()["details"][0]["requestId"], "mine");
    assert_eq!(
        given.json()["details"][0]["@type"],
        "type.googleapis.com/google.rpc.RequestInfo"
    );
    let new = get_workflow(&cloud).send().await;
    assert_eq!(new.headers[&id].len(), 36);
    assert_eq!(
        new.json()["details"][0]["requestId"],
        new.headers[&id].to_str().unwrap()
    );
    assert_eq!(
        new.headers["x-server-trace-id"]
            .to_str()
            .unwrap()
            .split(':')
            .count(),
        4
    );
    assert_eq!(cloud.audit()[0].request_id, "mine");
}

#[tokio::test]
async fn two_authorization_headers_are_invalid() {
    let cloud = FakeCloud::start().await;
    let token = issue_token(&cloud).await;
    let mut request = get_workflow(&cloud).bearer(&token);
    request
        .headers_mut()
        .append(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    let response = request.send().await;
    assert_eq!(response.error(), (401, 16));
    assert_eq!(response.message(), "No valid Authorization header provided");
}

#[tokio::test]
async fn unknown_path_is_404_and_hosts_are_listed() {
    let cloud = FakeCloud::start().await;
    assert_eq!(
        Call::get(&(cloud.workflows_url() + "/workflows/v2/execution"))
            .send()
            .await
            .error(),
        (404, 5)
    );
    assert_eq!(
        Call::get(&(cloud.iam_url() + TOKENS)).send().await.error(),
        (404, 5),
        "also for an unknown method"
    );
    let list = Call::get(&(cloud.url(Host::Discovery) + "/endpoints"))
        .send()
        .await
        .json();
    let listed = |id: &str, host| json!({ "id": id, "address": cloud.url(host).strip_prefix("http://").unwrap() });
    let expected = [
        listed("endpoint", Host::Discovery),
        listed("iam", Host::Iam),
        listed("operation", Host::Operation),
        listed("serverless-workflows", Host::Workflows),
    ];
    assert_eq!(list["endpoints"], json!(expected));
    let one = Call::get(&(cloud.url(Host::Discovery) + "/endpoints/serverless-workflows"))
        .send()
        .await
        .json();
    assert_eq!(
        format!("http://{}", one["address"].as_str().unwrap()),
        cloud.workflows_url()
    );
}
