//! Workflows as REST and as gRPC: routes, methods and authorization.

use std::time::Duration;

use http::Method;
use prost::Message;
use serde_json::json;
use tonic::Code;
use yandex_cloud_auth::testing::{FakeCloud, Host, ManualClock, proto};
use yandex_cloud_auth::{Clock, Scheme};

use crate::client::*;
use crate::workflows_routes::ROUTES;

const SCOPE: &str = "yc.serverless.workflows.execute";

async fn start(cloud: &FakeCloud) -> String {
    let body = json!({ "workflowId": "dfq1", "input": { "inputJson": "{\"a\":1}" } });
    let call = Call::post(&(cloud.workflows_url() + "/workflows/v1/execution/start")).json(body);
    let response = call
        .credentials(Scheme::ApiKey, &cloud.api_key())
        .send()
        .await;
    response.json()["executionId"].as_str().unwrap().to_owned()
}

async fn create_workflow(cloud: &FakeCloud, token: &str) -> serde_json::Value {
    let body = json!({ "folderId": "b1g1", "name": "nightly" });
    Call::post(&(cloud.workflows_url() + "/workflows/v1/workflow"))
        .bearer(token)
        .json(body)
        .send()
        .await
        .json()
}

#[tokio::test]
async fn rest_routes_check_credentials() {
    let cloud = FakeCloud::start().await;
    let token = issue_token(&cloud).await;
    let (execution, operation) = (start(&cloud).await, create_workflow(&cloud, &token).await);
    let call = |(host, method, path, _): (Host, &str, &str, bool)| {
        let id = if host == Host::Operation {
            operation["id"].as_str().unwrap()
        } else {
            &execution
        };
        let url = cloud.url(host) + &path.replace("{}", id);
        Call::new(method.parse::<Method>().unwrap(), &url)
            .json(json!({ "workflowId": "dfq1", "folderId": "b1g1" }))
    };
    // `start` and the creation of a workflow require different bodies.
    let body = |route: (Host, &str, &str, bool)| match route.2 {
        "/workflows/v1/execution/start" => call(route).json(json!({ "workflowId": "dfq1" })),
        _ => call(route),
    };
    for route in ROUTES {
        let (_, method, path, takes_keys) = route;
        assert_eq!(
            body(route).bearer(&token).send().await.status,
            200,
            "{method} {path}"
        );
        let by_key = body(route)
            .credentials(Scheme::ApiKey, &cloud.api_key())
            .send()
            .await;
        assert_eq!(
            by_key.status,
            if takes_keys { 200 } else { 403 },
            "{method} {path}"
        );
        assert_eq!(
            body(route).send().await.error(),
            (401, 16),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn grpc_methods_check_credentials() {
    const WORKFLOWS: &str = "/yandex.cloud.serverless.workflows.v1.";
    let cloud = FakeCloud::start().await;
    let token = issue_token(&cloud).await;
    let services = [
        (
            "ExecutionService",
            "Start Stop Terminate Get GetHistory List",
            true,
        ),
        (
            "WorkflowService",
            "Create Update Get Delete List ListOperations",
            false,
        ),
        (
            "WorkflowService",
            "ListAccessBindings SetAccessBindings UpdateAccessBindings",
            false,
        ),
    ];
    for (service, methods, takes_keys) in services {
        for method in methods.split(' ') {
            let path = format!("{WORKFLOWS}{service}/{method}");
            let rejected = [Code::Unauthenticated, Code::PermissionDenied];
            let (by_token, by_key, by_none) = (
                call(&cloud, &path, Some((Scheme::Bearer, &token))).await,
                call(&cloud, &path, Some((Scheme::ApiKey, &cloud.api_key()))).await,
                call(&cloud, &path, None).await,
            );
            assert!(!rejected.contains(&by_token), "{path}: {by_token:?}");
            assert_eq!(
                by_key == Code::PermissionDenied,
                !takes_keys,
                "{path}: {by_key:?}"
            );
            assert_eq!(by_none, Code::Unauthenticated, "{path}");
        }
    }
    let operations = "/yandex.cloud.operation.OperationService/Get";
    assert_eq!(
        call(&cloud, operations, Some((Scheme::ApiKey, &cloud.api_key()))).await,
        Code::PermissionDenied
    );
    assert_eq!(
        call(
            &cloud,
            "/no.such.Service/Get",
            Some((Scheme::Bearer, &token))
        )
        .await,
        Code::Unimplemented
    );
}

/// Calls a method with an empty message and returns the status code.
async fn call(cloud: &FakeCloud, path: &str, credentials: Option<(Scheme, &str)>) -> Code {
    let mut client = tonic::client::Grpc::new(channel(cloud).await);
    client.ready().await.unwrap();
    let mut request = tonic::Request::new(());
    if let Some((scheme, secret)) = credentials {
        request = grpc((), scheme, secret);
    }
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let response = client.unary(request, path.parse().unwrap(), codec).await;
    response.map_or_else(|status| status.code(), |_| Code::Ok)
}

#[tokio::test]
async fn execution_started_by_rest_is_read_by_grpc() {
    let cloud = FakeCloud::start().await;
    let id = start(&cloud).await;
    let mut client = proto::ExecutionServiceClient::new(channel(&cloud).await);
    let key = cloud.api_key();
    let request = grpc(
        proto::GetExecutionRequest {
            execution_id: id.clone(),
        },
        Scheme::ApiKey,
        &key,
    );
    let execution = client
        .get(request)
        .await
        .unwrap()
        .into_inner()
        .execution
        .unwrap();
    assert_eq!(
        (&execution.id, execution.workflow_id.as_str()),
        (&id, "dfq1")
    );
    assert_eq!(execution.status(), proto::ExecutionStatus::Finished);
    assert_eq!(execution.result.unwrap().result_json.unwrap(), "{\"a\":1}");

    let request = grpc(
        proto::GetExecutionHistoryRequest {
            execution_id: id.clone(),
        },
        Scheme::ApiKey,
        &key,
    );
    let history = client.get_history(request).await.unwrap().into_inner();
    assert_eq!(
        (history.execution.unwrap().id, history.entries.len()),
        (id.clone(), 1)
    );
    let request = grpc(
        proto::StopExecutionRequest {
            execution_id: id.clone(),
        },
        Scheme::ApiKey,
        &key,
    );
    assert_eq!(
        client
            .stop(request)
            .await
            .unwrap()
            .into_inner()
            .execution_id,
        id
    );
    let request = grpc(
        proto::GetExecutionRequest { execution_id: id },
        Scheme::ApiKey,
        &key,
    );
    let stopped = client
        .get(request)
        .await
        .unwrap()
        .into_inner()
        .execution
        .unwrap();
    assert_eq!(stopped.status(), proto::ExecutionStatus::Stopped);
}

#[tokio::test]
async fn execution_started_by_grpc_is_read_by_rest() {
    let cloud = FakeCloud::start().await;
    let (token, mut client) = (
        issue_token(&cloud).await,
        proto::ExecutionServiceClient::new(channel(&cloud).await),
    );
    let input = Some(proto::ExecutionInput {
        input_json: Some("[1]".to_owned()),
        input_value: None,
    });
    let message = proto::StartExecutionRequest {
        workflow_id: "dfq1".to_owned(),
        input,
    };
    let id = client
        .start(grpc(message, Scheme::Bearer, &token))
        .await
        .unwrap()
        .into_inner()
        .execution_id;
    let url = format!("{}/workflows/v1/execution/{id}", cloud.workflows_url());
    for call in [Call::get(&url), Call::get(&url).http2()] {
        let execution = call.bearer(&token).send().await.json()["execution"].clone();
        assert_eq!(
            (&execution["id"], &execution["status"]),
            (&json!(id), &json!("FINISHED"))
        );
        assert_eq!(
            (&execution["input"], &execution["result"]),
            (
                &json!({ "inputJson": "[1]" }),
                &json!({ "resultJson": "[1]" })
            )
        );
        assert!(
            execution["startedAt"]
                .as_str()
                .unwrap()
                .parse::<jiff::Timestamp>()
                .is_ok()
        );
        assert_eq!(execution["duration"], "0.001s");
    }
}

#[tokio::test]
async fn input_is_text_value_or_whole_body() {
    let cloud = FakeCloud::start().await;
    let token = issue_token(&cloud).await;
    let base = cloud.workflows_url() + "/workflows/v1/execution";
    let by_value = Call::post(&(base.clone() + "/start"))
        .json(json!({ "workflowId": "dfq1", "input": { "inputValue": { "a": 1 } } }));
    let by_link = Call::post(&(base.clone() + "/start/start")).json(json!({ "a": 1 }));
    for call in [by_value, by_link] {
        let id = call.bearer(&token).send().await.json()["executionId"]
            .as_str()
            .unwrap()
            .to_owned();
        let read = Call::get(&format!("{base}/{id}"))
            .bearer(&token)
            .send()
            .await
            .json();
        assert_eq!(read["execution"]["result"]["resultJson"], "{\"a\":1}");
    }
    let read = Call::get(&(base.clone() + "/start"))
        .bearer(&token)
        .send()
        .await;
    assert_eq!(
        read.message(),
        "Execution was not found",
        "in a GET, `start` is an id"
    );
    let two = json!({ "workflowId": "dfq1", "input": { "inputValue": 1, "inputJson": "1" } });
    assert_eq!(
        Call::post(&(base.clone() + "/start"))
            .json(two)
            .bearer(&token)
            .send()
            .await
            .error(),
        (400, 3)
    );
    assert_eq!(
        Call::post(&(base + "/dfq1/start"))
            .body("text/plain", "{".to_owned())
            .bearer(&token)
            .send()
            .await
            .error(),
        (400, 3)
    );
}

#[tokio::test]
async fn lists_come_in_pages() {
    let cloud = FakeCloud::start().await;
    let key = cloud.api_key();
    let mut started = Vec::new();
    for _ in 0..3 {
        started.push(start(&cloud).await);
    }
    let other = Call::post(&(cloud.workflows_url() + "/workflows/v1/execution/dfq2/start"));
    assert_eq!(
        other.credentials(Scheme::ApiKey, &key).send().await.status,
        200
    );
    let mut client = proto::ExecutionServiceClient::new(channel(&cloud).await);
    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = proto::ListExecutionsRequest {
            workflow_id: "dfq1".to_owned(),
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let page = client
            .list(grpc(message, Scheme::ApiKey, &key))
            .await
            .unwrap()
            .into_inner();
        listed.extend(page.executions.into_iter().map(|execution| execution.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, started);
    let rest = list_executions(&cloud)
        .credentials(Scheme::ApiKey, &key)
        .send()
        .await
        .json();
    assert_eq!(
        (
            rest["executions"].as_array().unwrap().len(),
            &rest["nextPageToken"]
        ),
        (3, &json!(""))
    );
    let wrong = Call::get(&(cloud.workflows_url() + "/workflows/v1/execution"))
        .credentials(Scheme::ApiKey, &key);
    assert_eq!(
        wrong.send().await.error(),
        (400, 3),
        "the workflow is missing"
    );
}

#[tokio::test]
async fn workflow_is_created_by_operation() {
    let cloud = FakeCloud::start().await;
    let token = issue_token(&cloud).await;
    let operation = create_workflow(&cloud, &token).await;
    assert_eq!(operation["done"], true);
    let id = operation["metadata"]["workflowId"].as_str().unwrap();
    let url = format!("{}/workflows/v1/workflow/{id}", cloud.workflows_url());
    let workflow = Call::get(&url).bearer(&token).send().await.json()["workflow"].clone();
    assert_eq!(
        (&workflow["name"], &workflow["isPublic"]),
        (&json!("nightly"), &json!(false))
    );
    assert_eq!(
        workflow["executionUrl"],
        format!(
            "{}/workflows/v1/execution/{id}/start",
            cloud.workflows_url()
        )
    );
    let operations = Call::get(&(url + "/operations"))
        .bearer(&token)
        .send()
        .await
        .json();
    assert_eq!(operations["operations"], json!([operation]));

    let mut client = proto::WorkflowServiceClient::new(channel(&cloud).await);
    let message = proto::CreateWorkflowRequest {
        folder_id: "b1g1".to_owned(),
        name: "hourly".to_owned(),
        ..Default::default()
    };
    assert!(
        client
            .create(grpc(message, Scheme::Bearer, &token))
            .await
            .unwrap()
            .into_inner()
            .done
    );
    let message = proto::ListWorkflowsRequest {
        folder_id: "b1g1".to_owned(),
        ..Default::default()
    };
    let page = client
        .list(grpc(message, Scheme::Bearer, &token))
        .await
        .unwrap()
        .into_inner();
    let mut names: Vec<_> = page
        .workflows
        .into_iter()
        .map(|workflow| workflow.name)
        .collect();
    names.sort();
    assert_eq!(names, ["hourly", "nightly"]);
    let message = proto::GetWorkflowRequest {
        workflow_id: id.to_owned(),
    };
    let workflow = client
        .get(grpc(message, Scheme::Bearer, &token))
        .await
        .unwrap()
        .into_inner()
        .workflow
        .unwrap();
    assert_eq!(workflow.name, "nightly");
}

#[tokio::test]
async fn api_key_needs_scope_and_validity() {
    let (cloud, clock) = (FakeCloud::start().await, ManualClock::new());
    cloud.set_clock(clock.clone());
    let list = async |key: &str| {
        list_executions(&cloud)
            .credentials(Scheme::ApiKey, key)
            .send()
            .await
    };
    assert_eq!(
        list(&cloud.issue_api_key(&["yc.ai.translate.execute", SCOPE], None))
            .await
            .status,
        200
    );
    assert_eq!(
        list(&cloud.issue_api_key(&[], None)).await.error(),
        (403, 7),
        "the default scopes"
    );
    assert_eq!(
        list(&cloud.issue_api_key(&["yc.ai.translate.execute"], None))
            .await
            .error(),
        (403, 7)
    );
    let ending = cloud.issue_api_key(&[SCOPE], Some(clock.wall() + Duration::from_secs(60)));
    assert_eq!(list(&ending).await.status, 200);
    clock.advance(Duration::from_secs(60));
    assert_eq!(list(&ending).await.error(), (401, 16));

    let key = cloud.api_key();
    cloud.delete_api_keys();
    let unknown = list(&key).await;
    assert_eq!(unknown.error(), (401, 16));
    assert!(
        unknown
            .message()
            .contains(&format!("'{}****{} (", &key[..4], &key[36..])),
        "{}",
        unknown.message()
    );
    assert_eq!(list("short").await.message(), "Unknown api key '****'");
    assert_eq!(
        list_executions(&cloud).bearer(&key).send().await.error(),
        (401, 16),
        "an API key is not a token"
    );
}

#[tokio::test]
async fn public_workflow_is_started_through_link_only() {
    let cloud = FakeCloud::start().await;
    let link = || Call::post(&(cloud.workflows_url() + "/workflows/v1/execution/dfq1/start"));
    assert_eq!(link().send().await.error(), (401, 16));
    cloud.publish_workflow("dfq1");
    assert_eq!(link().send().await.status, 200);
    let other = Call::post(&(cloud.workflows_url() + "/workflows/v1/execution/dfq2/start"));
    assert_eq!(other.send().await.error(), (401, 16));
    assert_eq!(list_executions(&cloud).send().await.error(), (401, 16));
}

#[tokio::test]
async fn grpc_error_details_carry_request_id() {
    let cloud = FakeCloud::start().await;
    let mut client = proto::ExecutionServiceClient::new(channel(&cloud).await);
    let mut request = tonic::Request::new(proto::GetExecutionRequest {
        execution_id: "none".to_owned(),
    });
    request
        .metadata_mut()
        .insert("x-request-id", "mine".parse().unwrap());
    let unauthenticated = client.get(request).await.unwrap_err();
    let request = grpc(
        proto::GetExecutionRequest {
            execution_id: "none".to_owned(),
        },
        Scheme::ApiKey,
        &cloud.api_key(),
    );
    let not_found = client.get(request).await.unwrap_err();
    assert_eq!(
        (unauthenticated.code(), not_found.code()),
        (Code::Unauthenticated, Code::NotFound)
    );
    assert_eq!(not_found.message(), "Execution was not found");
    assert!(contains(
        unauthenticated.details(),
        b"type.googleapis.com/google.rpc.RequestInfo"
    ));
    assert!(contains(unauthenticated.details(), b"mine"));
    let id = not_found
        .metadata()
        .get("x-request-id")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    assert!(contains(not_found.details(), id.as_bytes()));
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn unknown_fields_are_ignored() {
    let newer = [
        proto::StartExecutionResponse {
            execution_id: "dfe1".to_owned(),
        }
        .encode_to_vec(),
        vec![0x7a, 1, b'x'],
    ];
    let read = proto::StartExecutionResponse::decode(&newer.concat()[..]).unwrap();
    assert_eq!(read.execution_id, "dfe1");
}

#[tokio::test]
async fn grpc_input_is_text_or_value() {
    let cloud = FakeCloud::start().await;
    let token = issue_token(&cloud).await;
    let mut client = proto::ExecutionServiceClient::new(channel(&cloud).await);
    let number = proto::Value {
        kind: Some(proto::Kind::Number(1.0)),
    };
    let text = || Some("[1]".to_owned());
    for (input_json, input_value, result) in [
        (text(), None, "[1]"),
        (None, Some(number.clone()), "1"),
        (None, None, "{}"),
    ] {
        let message = start_with(input_json, input_value);
        let request = grpc(message, Scheme::Bearer, &token);
        let execution_id = client.start(request).await.unwrap().into_inner();
        let message = proto::GetExecutionRequest {
            execution_id: execution_id.execution_id,
        };
        let request = grpc(message, Scheme::Bearer, &token);
        let execution = client.get(request).await.unwrap().into_inner().execution;
        let json = execution.unwrap().result.unwrap().result_json.unwrap();
        assert_eq!(json, result);
    }
    let message = start_with(text(), Some(number));
    let error = client.start(grpc(message, Scheme::Bearer, &token)).await;
    assert_eq!(error.unwrap_err().code(), tonic::Code::InvalidArgument);
}

fn start_with(
    input_json: Option<String>,
    input_value: Option<proto::Value>,
) -> proto::StartExecutionRequest {
    proto::StartExecutionRequest {
        workflow_id: "dfq1".to_owned(),
        input: Some(proto::ExecutionInput {
            input_json,
            input_value,
        }),
    }
}
