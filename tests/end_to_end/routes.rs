//! Every route and method of the Workflows API with both schemes: allowed requests arrive, and
//! denied requests are not sent.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tonic::Code;
use tower::Layer;
use yandex_cloud_auth::testing::{FakeCloud, Host};
use yandex_cloud_auth::{AuthError, AuthLayer, Credential, Scheme};

use crate::support::*;
use crate::workflows_routes::ROUTES;

/// The service, its methods, and whether an API key is allowed.
const METHODS: [(&str, &str, bool); 6] = [
    (
        "yandex.cloud.serverless.workflows.v1.ExecutionService",
        "Start Stop Terminate Get GetHistory List",
        true,
    ),
    (
        "yandex.cloud.serverless.workflows.v1.WorkflowService",
        "Create Update Get Delete List ListOperations",
        false,
    ),
    (
        "yandex.cloud.serverless.workflows.v1.WorkflowService",
        "ListAccessBindings SetAccessBindings UpdateAccessBindings",
        false,
    ),
    (
        "yandex.cloud.operation.OperationService",
        "Get Cancel",
        false,
    ),
    (
        "yandex.cloud.iam.v1.IamTokenService",
        "Create CreateForServiceAccount Revoke",
        false,
    ),
    (
        "yandex.cloud.endpoint.ApiEndpointService",
        "List Get",
        false,
    ),
];

#[tokio::test]
async fn key_yields_one_token_for_rest_and_grpc() {
    let cloud = FakeCloud::start().await;
    let auth = layer(account(&cloud));
    for http2 in [false, true] {
        let response = send(
            &auth,
            http2,
            request_to("GET", cloud.workflows_url() + LIST),
        )
        .await
        .unwrap();
        assert_eq!(response.status(), 200);
    }
    list_grpc(&auth, &cloud).await.unwrap();

    assert_eq!(iam_calls(&cloud), 1);
    let received = cloud
        .audit()
        .into_iter()
        .filter(|request| request.host != Host::Iam)
        .collect::<Vec<_>>();
    let versions = received
        .iter()
        .map(|request| format!("{:?}", request.version))
        .collect::<Vec<_>>();
    assert_eq!(versions, ["HTTP/1.1", "HTTP/2.0", "HTTP/2.0"]);
    let token = auth.cache().peek().unwrap().fingerprint();
    assert!(received.iter().all(
        |request| request.scheme == Some(Scheme::Bearer) && request.fingerprint == Some(token)
    ));
    assert_eq!(received[2].account, Some(cloud.service_account_id()));
}

#[tokio::test]
async fn credentials_reach_their_rest_routes() {
    let cloud = FakeCloud::start().await;
    let by_token = layer(account(&cloud));
    let by_key = layer(Credential::api_key(cloud.api_key()).unwrap());
    let execution = id_of(&by_token, rest(&cloud, ROUTES[0], ""), "executionId").await;
    let operation = id_of(&by_token, rest(&cloud, ROUTES[7], ""), "id").await;

    for (http2, route) in [false, true]
        .into_iter()
        .flat_map(|http2| ROUTES.map(|route| (http2, route)))
    {
        let (host, method, path, takes_keys) = route;
        let request = || {
            rest(
                &cloud,
                route,
                if host == Host::Operation {
                    &operation
                } else {
                    &execution
                },
            )
        };
        assert_arrives(&by_token, http2, request(), &cloud).await;
        if takes_keys {
            assert_arrives(&by_key, http2, request(), &cloud).await;
            continue;
        }
        let before = cloud.audit().len();
        let error = send(&by_key, http2, request()).await.expect_err(path);
        let Some(AuthError::Denied(denial)) = error.downcast_ref() else {
            panic!("{method} {path}: {error}")
        };
        assert!(
            denial.to_string().contains(method) && denial.to_string().contains("allowed: "),
            "{denial}"
        );
        assert_eq!(cloud.audit().len(), before, "{method} {path} was sent");
    }
}

async fn assert_arrives(
    auth: &AuthLayer<Loopback>,
    http2: bool,
    request: Request<Full<Bytes>>,
    cloud: &FakeCloud,
) {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let before = cloud.audit().len();
    assert_eq!(
        send(auth, http2, request).await.unwrap().status(),
        200,
        "{method} {path}"
    );
    let audit = cloud.audit();
    let [arrived] = &audit[before..] else {
        panic!("{method} {path}: {} requests", audit.len() - before)
    };
    assert_eq!((&arrived.method, &arrived.path), (&method, &path));
    assert_eq!(
        arrived.fingerprint,
        Some(auth.cache().peek().unwrap().fingerprint())
    );
}

fn rest(
    cloud: &FakeCloud,
    (host, method, path, _): (Host, &str, &str, bool),
    id: &str,
) -> Request<Full<Bytes>> {
    let body = if path.ends_with("/start") {
        r#"{"workflowId":"dfq1"}"#
    } else {
        r#"{"folderId":"b1g1"}"#
    };
    let mut request =
        request_to(method, cloud.url(host) + &path.replace("{}", id)).map(|_| Full::from(body));
    request
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    request
}

async fn id_of(auth: &AuthLayer<Loopback>, request: Request<Full<Bytes>>, field: &str) -> String {
    let response = send(auth, false, request).await.unwrap();
    assert_eq!(response.status(), 200);
    let response: Value =
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
    response[field].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn credentials_reach_their_grpc_methods() {
    let cloud = FakeCloud::start().await;
    let by_token = layer(account(&cloud));
    let by_key = layer(Credential::api_key(cloud.api_key()).unwrap());
    by_token.cache().get().await.unwrap();
    for (service, methods, takes_keys) in METHODS {
        for path in methods
            .split(' ')
            .map(|method| format!("/{service}/{method}"))
        {
            for auth in [&by_token, &by_key] {
                let before = cloud.audit().len();
                let status = call(auth, &cloud, &path).await;
                let arrived = cloud.audit().split_off(before);
                if takes_keys || std::ptr::eq(auth, &by_token) {
                    assert_eq!(arrived.len(), 1, "{path}: {status:?}");
                    assert_eq!(arrived[0].path, path);
                    let rejected =
                        [Code::PermissionDenied, Code::Unauthenticated].contains(&status.code());
                    assert!(!rejected, "{path}: {status:?}");
                } else {
                    assert_eq!(arrived.len(), 0, "{path} was sent");
                    assert_eq!(status.code(), Code::PermissionDenied, "{path}");
                    let (start, end) = (format!(": POST {path} was not sent; "), "allowed: ");
                    assert!(
                        status.message().contains(&(start + end)),
                        "{}",
                        status.message()
                    );
                }
            }
        }
    }
}

/// Calls a method with an empty message.
async fn call(auth: &AuthLayer<Loopback>, cloud: &FakeCloud, path: &str) -> tonic::Status {
    let mut client = tonic::client::Grpc::new(auth.clone().grpc().layer(channel(cloud)));
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let response = client
        .unary(tonic::Request::new(()), path.parse().unwrap(), codec)
        .await;
    response.err().unwrap_or_else(|| tonic::Status::ok(""))
}
