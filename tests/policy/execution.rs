//! The rule on API keys, for REST paths and gRPC methods.

use http::{Request, Uri};
use yandex_cloud_auth::{ApiKeyRules, ExecutionOnly, Workflows};

use crate::support::{ID, OPERATION, SERVICE, WORKFLOWS, attaches, decide, key, mutations, token};

/// Method, host, path, and whether an API key may go.
const ROUTES: [(&str, &str, &str, bool); 18] = [
    ("POST", WORKFLOWS, "/workflows/v1/execution/start", true),
    (
        "POST",
        WORKFLOWS,
        "/workflows/v1/execution/{id}/start",
        true,
    ),
    ("POST", WORKFLOWS, "/workflows/v1/execution/{id}/stop", true),
    (
        "POST",
        WORKFLOWS,
        "/workflows/v1/execution/{id}/terminate",
        true,
    ),
    ("GET", WORKFLOWS, "/workflows/v1/execution/{id}", true),
    (
        "GET",
        WORKFLOWS,
        "/workflows/v1/execution/{id}/history",
        true,
    ),
    (
        "GET",
        WORKFLOWS,
        "/workflows/v1/execution?workflowId={id}&pageSize=10",
        true,
    ),
    ("POST", WORKFLOWS, "/workflows/v1/workflow", false),
    ("PATCH", WORKFLOWS, "/workflows/v1/workflow/{id}", false),
    ("GET", WORKFLOWS, "/workflows/v1/workflow/{id}", false),
    ("DELETE", WORKFLOWS, "/workflows/v1/workflow/{id}", false),
    (
        "GET",
        WORKFLOWS,
        "/workflows/v1/workflow?folderId={id}",
        false,
    ),
    (
        "GET",
        WORKFLOWS,
        "/workflows/v1/workflow/{id}/operations",
        false,
    ),
    (
        "GET",
        WORKFLOWS,
        "/workflows/v1/workflow/{id}:listAccessBindings",
        false,
    ),
    (
        "POST",
        WORKFLOWS,
        "/workflows/v1/workflow/{id}:setAccessBindings",
        false,
    ),
    (
        "POST",
        WORKFLOWS,
        "/workflows/v1/workflow/{id}:updateAccessBindings",
        false,
    ),
    ("GET", OPERATION, "/operations/{id}", false),
    ("GET", OPERATION, "/operations/{id}:cancel", false),
];

/// Service, methods, and whether an API key may go.
const METHODS: [(&str, &[&str], bool); 5] = [
    (
        SERVICE,
        &["Start", "Stop", "Terminate", "Get", "GetHistory", "List"],
        true,
    ),
    (
        "yandex.cloud.serverless.workflows.v1.WorkflowService",
        &[
            "Create",
            "Update",
            "Get",
            "Delete",
            "List",
            "ListOperations",
            "ListAccessBindings",
            "SetAccessBindings",
            "UpdateAccessBindings",
        ],
        false,
    ),
    (
        "yandex.cloud.operation.OperationService",
        &["Get", "Cancel"],
        false,
    ),
    (
        "yandex.cloud.iam.v1.IamTokenService",
        &["Create", "CreateForServiceAccount", "Revoke"],
        false,
    ),
    (
        "yandex.cloud.endpoint.ApiEndpointService",
        &["List", "Get"],
        false,
    ),
];

#[test]
fn api_key_goes_to_execution_routes_only() {
    for (method, host, path, with_key) in ROUTES {
        let path = path.replace("{id}", ID);
        for uri in [format!("{host}{path}"), path] {
            assert_eq!(
                attaches(&Workflows::new(), &key(), method, &uri),
                with_key,
                "{method} {uri}"
            );
            assert_eq!(
                attaches(&ExecutionOnly, &key(), method, &uri),
                with_key,
                "{method} {uri}"
            );
            assert_eq!(
                attaches(&ApiKeyRules::workflows(), &key(), method, &uri),
                with_key,
                "{method} {uri}"
            );
            assert!(
                !attaches(&ApiKeyRules::none(), &key(), method, &uri),
                "{method} {uri}"
            );
            assert!(
                attaches(&Workflows::new(), &token(), method, &uri),
                "{method} {uri}"
            );
            assert!(
                attaches(&ApiKeyRules::none(), &token(), method, &uri),
                "{method} {uri}"
            );
        }
    }
}

#[test]
fn api_key_goes_to_execution_service_only() {
    for (service, methods, with_key) in METHODS {
        for method in methods {
            for origin in ["", WORKFLOWS] {
                let uri = format!("{origin}/{service}/{method}");
                assert_eq!(
                    attaches(&Workflows::new(), &key(), "POST", &uri),
                    with_key,
                    "{uri}"
                );
                assert_eq!(
                    attaches(&ExecutionOnly, &key(), "POST", &uri),
                    with_key,
                    "{uri}"
                );
                assert!(attaches(&Workflows::new(), &token(), "POST", &uri), "{uri}");
            }
        }
    }
}

#[test]
fn any_path_below_execution_is_execution() {
    for (method, path) in [
        ("GET", "/workflows/v1/execution/start"),
        ("POST", "/workflows/v1/execution/start/start"),
        ("POST", "/workflows/v1/execution/a:resume"),
        ("POST", "/workflows/v1/execution/a:b:c/d"),
        ("POST", "/workflows/v1/execution/a/b/c/d/e"),
        ("GET", "/workflows/v1/execution/A-b_C.d~e"),
        ("GET", "/workflows/v1/execution/..."),
        ("GET", "/workflows/v1/execution?"),
        ("GET", "/workflows/v1/execution?x=/../workflow%2F;\\"),
        ("GET", "/workflows/v1/execution#/../workflow"),
        ("OPTIONS", "/workflows/v1/execution"),
        ("HEAD", "/workflows/v1/execution/a"),
        ("DELETE", "/workflows/v1/execution/a"),
        ("PURGE", "/workflows/v1/execution/a"),
        (
            "POST",
            "/yandex.cloud.serverless.workflows.v1.ExecutionService/Resume_2",
        ),
        (
            "POST",
            "/yandex.cloud.serverless.workflows.v1.ExecutionService/Start?x=1",
        ),
    ] {
        assert!(
            attaches(&ExecutionOnly, &key(), method, path),
            "{method} {path}"
        );
    }
}

#[test]
fn ambiguous_path_is_not_execution() {
    let long = format!("/workflows/v1/execution/{}/..", "a".repeat(65_000));
    for path in [
        "/",
        "*",
        "/workflows/v1/execution/",
        "/workflows/v1/execution//",
        "/workflows/v1//execution",
        "//workflows/v1/execution",
        "//serverless-workflows.api.cloud.yandex.net/workflows/v1/execution",
        "/workflows/v1/execution/../workflow",
        "/workflows/v1/execution/..",
        "/workflows/v1/execution/.",
        "/workflows/v1/execution/./a",
        "/workflows/v1/execution/a/../../workflow",
        "/workflows/v1/execution/..;/workflow",
        "/workflows/v1/execution/..%2Fworkflow",
        "/workflows/v1/execution/%2e%2e/workflow",
        "/workflows/v1/execution%2Fa",
        "/workflows/v1/execution/a%00",
        "/workflows/v1/execution/a%3Ab",
        "/workflows/v1/execution/a;x=1",
        "/workflows/v1/execution/..\\workflow",
        "/workflows/v1/execution/\u{e9}",
        "/workflows/v1/execution/\u{ff05}2e",
        "/workflows/v1/execution/\u{202e}a",
        "/workflows/v1/execution/a/",
        "/workflows/v1/execution/a//b",
        "/workflows/v1/executions",
        "/workflows/v1/execution-x",
        "/workflows/v1/execution:start",
        "/workflows/v1/execution.",
        "/workflows/v2/execution",
        "/Workflows/v1/execution",
        "/workflows/v1/EXECUTION",
        "/x/workflows/v1/execution",
        "/x/../workflows/v1/execution",
        "/workflows/v1/workflow?x=/workflows/v1/execution",
        "/workflows/v1/workflow#/workflows/v1/execution",
        "//yandex.cloud.serverless.workflows.v1.ExecutionService/Start",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService/",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService/Start/",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService//Start",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService/./Start",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService/../x.WorkflowService/Create",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService/..",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService/%53tart",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService/Start;x",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService/Start:x",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService/Start-x",
        "/yandex.cloud.serverless.workflows.v1.executionservice/Start",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService2/Start",
        "/x/yandex.cloud.serverless.workflows.v1.ExecutionService/Start",
        &long,
    ] {
        assert!(!attaches(&ExecutionOnly, &key(), "POST", path), "{path}");
        assert!(!attaches(&Workflows::new(), &key(), "POST", path), "{path}");
        assert!(attaches(&ExecutionOnly, &token(), "POST", path), "{path}");
    }
}

/// The rule once more, by splitting: slow, and nothing shared with the crate.
fn is_execution(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').collect();
    match segments[..] {
        ["", "workflows", "v1", "execution", ref below @ ..] => below.iter().all(|segment| {
            !["", ".", ".."].contains(segment)
                && segment
                    .chars()
                    .all(|c| ('!'..='~').contains(&c) && !"%;\\".contains(c))
        }),
        ["", SERVICE, method] => {
            !method.is_empty()
                && method
                    .chars()
                    .all(|c| c == '_' || c.is_ascii_alphanumeric())
        }
        _ => false,
    }
}

#[test]
fn path_mutated_in_any_byte_follows_rule() {
    let (mut allowed, mut refused) = (0, 0);
    for path in [
        "/workflows/v1/execution",
        "/workflows/v1/execution/start",
        "/workflows/v1/execution/dfqt5gd2kbtmn1f4ag3e/history",
        "/workflows/v1/execution/a/b.c/d",
        "/yandex.cloud.serverless.workflows.v1.ExecutionService/GetHistory",
    ] {
        for changed in mutations(path) {
            let Ok(uri) = Uri::try_from(&changed[..]) else {
                continue;
            };
            if uri.authority().is_some() {
                continue;
            }
            let text = std::str::from_utf8(&changed).unwrap();
            let expected = is_execution(text.split(['?', '#']).next().unwrap());
            let mut request = Request::new(());
            *request.uri_mut() = uri;
            assert_eq!(
                decide(&ExecutionOnly, &key(), &request).is_ok(),
                expected,
                "{text}"
            );
            *(if expected { &mut allowed } else { &mut refused }) += 1;
        }
    }
    assert!(allowed > 9_000 && refused > 25_000, "{allowed} {refused}");
}
