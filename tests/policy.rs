//! Where a credential may go: every route, both schemes, and the tricks that would lead it
//! elsewhere.

use std::sync::Arc;

use http::{Request, Uri};
use yandex_cloud_auth::{
    ApiKeyRules, Credential, Decision, Denial, ExecutionOnly, Policy, RequestHead, TrustedOrigins,
    Unrestricted, Workflows,
};

const WORKFLOWS: &str = "https://serverless-workflows.api.cloud.yandex.net";
const OPERATION: &str = "https://operation.api.cloud.yandex.net";
const SERVICE: &str = "yandex.cloud.serverless.workflows.v1.ExecutionService";
const ID: &str = "dfqt5gd2kbtmn1f4ag3e";

fn key() -> Credential {
    Credential::api_key("AQVNcanary").unwrap()
}

fn token() -> Credential {
    Credential::iam_token("t1.canary").unwrap()
}

fn request(method: &str, uri: &str) -> Request<()> {
    Request::builder()
        .method(method)
        .uri(uri)
        .body(())
        .unwrap_or_else(|error| panic!("{uri}: {error}"))
}

fn decide(
    policy: &impl Policy,
    credential: &Credential,
    request: &Request<()>,
) -> Result<(), Denial> {
    match policy.decide(&RequestHead::of(request), credential) {
        Decision::Attach => Ok(()),
        Decision::Deny(denial) => Err(denial),
        other => panic!("{other:?}"),
    }
}

fn attaches(policy: &impl Policy, credential: &Credential, method: &str, uri: &str) -> bool {
    decide(policy, credential, &request(method, uri)).is_ok()
}

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
fn an_api_key_goes_to_the_execution_routes_only_and_a_token_to_all() {
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
fn an_api_key_goes_to_the_execution_service_only_and_a_token_to_all() {
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
fn what_lies_below_execution_is_execution_whatever_its_shape() {
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
fn a_path_that_may_be_read_another_way_is_not_execution() {
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

/// `text` with each byte replaced by each, each inserted everywhere, and each left out.
fn mutations(text: &str) -> impl Iterator<Item = Vec<u8>> {
    let text = text.as_bytes();
    (0..=text.len()).flat_map(move |at| {
        let (head, tail) = text.split_at(at);
        let without = tail.get(1..).unwrap_or_default();
        let changed = (0..=255).flat_map(move |byte| {
            [
                [head, &[byte], without].concat(),
                [head, &[byte], tail].concat(),
            ]
        });
        changed.chain([[head, without].concat()])
    })
}

#[test]
fn a_path_changed_in_any_byte_is_allowed_only_by_the_letter_of_the_rule() {
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

#[test]
fn credentials_go_to_yandex_cloud_over_https_only() {
    for (uri, trusted) in [
        ("https://serverless-workflows.api.cloud.yandex.net/x", true),
        (
            "https://serverless-workflows.api.cloud.yandex.net:443/x",
            true,
        ),
        (
            "https://serverless-workflows.api.cloud.yandex.net:0443/x",
            true,
        ),
        ("https://serverless-workflows.api.cloud.yandex.net./x", true),
        (
            "HTTPS://Serverless-Workflows.API.Cloud.Yandex.Net.:443/x",
            true,
        ),
        ("https://api.cloud.yandex.net", true),
        ("https://iam.api.cloud.yandex.net/x", true),
        ("https://a.b.api.cloud.yandex.net/x", true),
        ("https://transcribe.api.cloud.yandex.net?x#y", true),
        ("http://serverless-workflows.api.cloud.yandex.net/x", false),
        (
            "http://serverless-workflows.api.cloud.yandex.net:443/x",
            false,
        ),
        ("wss://serverless-workflows.api.cloud.yandex.net/x", false),
        ("ftp://serverless-workflows.api.cloud.yandex.net/x", false),
        (
            "https+x://serverless-workflows.api.cloud.yandex.net/x",
            false,
        ),
        (
            "https://serverless-workflows.api.cloud.yandex.net:444/x",
            false,
        ),
        (
            "https://serverless-workflows.api.cloud.yandex.net:80/x",
            false,
        ),
        (
            "https://serverless-workflows.api.cloud.yandex.net:/x",
            false,
        ),
        (
            "https://serverless-workflows.api.cloud.yandex.net:99999/x",
            false,
        ),
        (
            "https://serverless-workflows.api.cloud.yandex.net:+443/x",
            false,
        ),
        (
            "https://serverless-workflows.api.cloud.yandex.net:65979/x",
            false,
        ),
        (
            "https://serverless-workflows.api.cloud.yandex.net../x",
            false,
        ),
        (
            "https://serverless-workflows..api.cloud.yandex.net/x",
            false,
        ),
        (
            "https://u@serverless-workflows.api.cloud.yandex.net/x",
            false,
        ),
        (
            "https://u:p@serverless-workflows.api.cloud.yandex.net/x",
            false,
        ),
        (
            "https://u%40@serverless-workflows.api.cloud.yandex.net/x",
            false,
        ),
        (
            "https://serverless-workflows.api.cloud.yandex.net@evil.example/x",
            false,
        ),
        (
            "https://serverless-workflows.api.cloud.yandex.net:443@evil.example/x",
            false,
        ),
        (
            "https://a@serverless-workflows.api.cloud.yandex.net@evil.example/x",
            false,
        ),
        (
            "https://evil.example#@serverless-workflows.api.cloud.yandex.net/x",
            false,
        ),
        (
            "https://evil.example/serverless-workflows.api.cloud.yandex.net",
            false,
        ),
        (
            "https://evil.example?serverless-workflows.api.cloud.yandex.net",
            false,
        ),
        (
            "https://serverless-workflows.api.cloud.yandex.net.evil.example/x",
            false,
        ),
        ("https://evilapi.cloud.yandex.net/x", false),
        ("https://.api.cloud.yandex.net/x", false),
        ("https://a,b.api.cloud.yandex.net/x", false),
        ("https://*.api.cloud.yandex.net/x", false),
        ("https://cloud.yandex.net/x", false),
        ("https://yandex.net/x", false),
        ("https://storage.yandexcloud.net/x", false),
        ("https://functions.yandexcloud.net/x", false),
        ("https://auth.yandex.cloud/x", false),
        ("https://xn--80ak6aa92e.cloud.yandex.net/x", false),
        ("https://[::1]/x", false),
        ("https://[::1%25.api.cloud.yandex.net]/x", false),
        ("https://127.0.0.1/x", false),
        ("http://localhost/x", false),
        ("serverless-workflows.api.cloud.yandex.net:443", false),
        ("serverless-workflows.api.cloud.yandex.net", false),
        ("/x", true),
        ("*", true),
    ] {
        let request = request("GET", uri);
        for credential in [key(), token()] {
            let origins = TrustedOrigins::yandex_cloud();
            assert_eq!(
                decide(&origins, &credential, &request).is_ok(),
                trusted,
                "{uri}"
            );
        }
        assert_eq!(
            decide(&Workflows::new(), &token(), &request).is_ok(),
            trusted,
            "{uri}"
        );
    }
}

/// The rule for hosts once more, on the text alone.
fn is_yandex_cloud(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("https://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap().to_lowercase();
    let (host, port) = authority.split_once(':').unwrap_or((&authority, "443"));
    let labels: Vec<&str> = host.strip_suffix('.').unwrap_or(host).split('.').collect();
    labels.ends_with(&["api", "cloud", "yandex", "net"])
        && labels.iter().all(|label| {
            !label.is_empty()
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        })
        && port.chars().all(|c| c.is_ascii_digit())
        && port.trim_start_matches('0') == "443"
}

#[test]
fn an_authority_changed_in_any_byte_is_trusted_only_by_the_letter_of_the_rule() {
    let mut trusted = 0;
    for authority in [
        "iam.api.cloud.yandex.net",
        "Iam.api.cloud.yandex.net.",
        "api.cloud.yandex.net:443",
    ] {
        for changed in mutations(authority) {
            let Ok(changed) = String::from_utf8(changed) else {
                continue;
            };
            let uri = format!("https://{changed}/x");
            if uri.parse::<Uri>().is_err() {
                continue;
            }
            let expected = is_yandex_cloud(&uri);
            assert_eq!(
                attaches(&Workflows::new(), &token(), "GET", &uri),
                expected,
                "{uri}"
            );
            trusted += usize::from(expected);
        }
    }
    assert!(trusted > 500, "{trusted}");
}

#[test]
fn a_scheme_put_together_by_hand_is_taken_by_its_bytes() {
    // Connectors compare it so, and take what they do not know for no TLS.
    let uri = Uri::builder()
        .scheme("HTTPS")
        .authority("iam.api.cloud.yandex.net")
        .path_and_query("/")
        .build()
        .unwrap();
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    assert!(decide(&Workflows::new(), &token(), &request).is_err());
    assert!(
        decide(
            &TrustedOrigins::none().allow_any_https(),
            &token(),
            &request
        )
        .is_err()
    );
}

#[test]
fn credentials_never_go_with_trace_or_connect() {
    let everything = TrustedOrigins::yandex_cloud()
        .allow_loopback()
        .allow_any_https();
    for method in ["TRACE", "CONNECT"] {
        for uri in [
            "https://serverless-workflows.api.cloud.yandex.net/workflows/v1/execution",
            "/workflows/v1/execution",
            "serverless-workflows.api.cloud.yandex.net:443",
            "http://localhost/",
            "*",
        ] {
            for denial in [
                decide(&everything, &token(), &request(method, uri)).unwrap_err(),
                decide(&Workflows::new(), &key(), &request(method, uri)).unwrap_err(),
            ] {
                assert_eq!(
                    denial.rule(),
                    "credentials never go with TRACE or CONNECT",
                    "{method} {uri}"
                );
            }
        }
    }
}

#[test]
fn loopback_is_trusted_when_asked_for_and_only_as_it_is_surely_written() {
    let origins = TrustedOrigins::none().allow_loopback();
    for (uri, trusted) in [
        ("http://127.0.0.1/", true),
        ("http://127.0.0.1:8080/", true),
        ("https://127.9.8.7:1/", true),
        ("http://[::1]:8080/", true),
        ("http://localhost:8080/", true),
        ("https://LOCALHOST./", true),
        ("wss://localhost/", false),
        ("http://localhost:/", false),
        ("http://localhost:99999/", false),
        ("http://u@localhost/", false),
        ("http://localhost@evil.example/", false),
        ("http://localhost.evil/", false),
        ("http://evil.localhost/", false),
        ("http://127.0.0.1.evil/", false),
        ("http://127.0.0.1./", false),
        ("http://127.1/", false),
        ("http://0x7f.1/", false),
        ("http://0177.0.0.1/", false),
        ("http://2130706433/", false),
        ("http://0.0.0.0/", false),
        ("http://10.0.0.1/", false),
        ("http://[::ffff:127.0.0.1]/", false),
        ("http://[::ffff:1.2.3.4]/", false),
        ("http://[::]/", false),
        ("http://[fe80::1%25lo]/", false),
        ("http://[::1%25lo]/", false),
        ("https://api.cloud.yandex.net/", false),
    ] {
        assert_eq!(attaches(&origins, &token(), "GET", uri), trusted, "{uri}");
    }
    assert!(!attaches(
        &TrustedOrigins::yandex_cloud(),
        &token(),
        "GET",
        "http://127.0.0.1/"
    ));
}

#[test]
fn any_https_is_any_host_but_no_other_scheme_and_nothing_unreadable() {
    let origins = TrustedOrigins::none().allow_any_https();
    for (uri, trusted) in [
        ("https://evil.example/", true),
        ("https://evil.example:8443/", true),
        ("https://10.0.0.1/", true),
        ("https://[2001:db8::1]:1/", true),
        ("http://evil.example/", false),
        ("https://evil.example:/", false),
        ("https://evil.example:99999/", false),
        ("https://u@evil.example/", false),
        ("https://[fe80::1%25eth0]/", false),
        ("https://:443/", false),
    ] {
        assert_eq!(attaches(&origins, &token(), "GET", uri), trusted, "{uri}");
    }
}

#[test]
fn a_foreign_host_is_refused_before_there_is_a_credential() {
    let foreign = request("GET", "https://evil.example/workflows/v1/execution");
    let own = request(
        "POST",
        "https://serverless-workflows.api.cloud.yandex.net/workflows/v1/workflow",
    );
    let (foreign, own) = (RequestHead::of(&foreign), RequestHead::of(&own));
    assert!(matches!(
        Workflows::new().precheck(&foreign),
        Some(Decision::Deny(_))
    ));
    assert!(matches!(
        TrustedOrigins::none().precheck(&own),
        Some(Decision::Deny(_))
    ));
    assert!(matches!(
        TrustedOrigins::none().and(Unrestricted).precheck(&own),
        Some(Decision::Deny(_))
    ));
    // Whether this one may go depends on what the credential is.
    assert!(Workflows::new().precheck(&own).is_none());
    assert!(ExecutionOnly.precheck(&own).is_none());
    assert!(ApiKeyRules::none().precheck(&foreign).is_none());
}

#[test]
fn the_default_refuses_with_the_same_words_before_and_after_the_credential() {
    for uri in [
        "https://evil.example/workflows/v1/workflow",
        "http://api.cloud.yandex.net/",
        "https://u@api.cloud.yandex.net/",
    ] {
        let request = request("POST", uri);
        let after = decide(&Workflows::new(), &key(), &request).unwrap_err();
        let Some(Decision::Deny(before)) = Workflows::new().precheck(&RequestHead::of(&request))
        else {
            panic!("{uri}")
        };
        assert_eq!(before.to_string(), after.to_string());
        let parts = TrustedOrigins::yandex_cloud().and(ExecutionOnly);
        assert_eq!(
            decide(&parts, &key(), &request).unwrap_err().to_string(),
            after.to_string()
        );
    }
}

#[test]
fn listed_rest_paths_are_bound_to_their_origin() {
    let rules = ApiKeyRules::none()
        .allow_rest("https://Search.example.:443", "/v2/web")
        .unwrap();
    for (uri, allowed) in [
        ("https://search.example/v2/web", true),
        ("https://search.example/v2/web/a:b?x=%2e", true),
        ("HTTPS://SEARCH.example.:443/v2/web/a", true),
        ("/v2/web/a", true),
        ("https://search.example/v2/website", false),
        ("https://search.example/v2/web/", false),
        ("https://search.example/v2/web/../x", false),
        ("https://search.example/v2", false),
        ("https://search.example:444/v2/web", false),
        ("https://u@search.example/v2/web", false),
        ("http://search.example/v2/web", false),
        ("wss://search.example/v2/web", false),
        ("https://evil.example/v2/web", false),
        ("https://search.example/workflows/v1/execution", false),
        ("search.example:443", false),
    ] {
        assert_eq!(attaches(&rules, &key(), "GET", uri), allowed, "{uri}");
        assert!(attaches(&rules, &token(), "GET", uri), "{uri}");
    }
}

#[test]
fn listed_services_are_added_to_the_preset() {
    let rules = ApiKeyRules::workflows()
        .allow_grpc("a.b.v1.C")
        .and_then(|rules| rules.allow_grpc("Greeter"))
        .unwrap();
    for (path, allowed) in [
        ("/a.b.v1.C/Get", true),
        ("/Greeter/SayHello", true),
        ("/workflows/v1/execution", true),
        ("/a.b.v1.C/Get/x", false),
        ("/a.b.v1.D/Get", false),
        ("/a.b.v1.C/", false),
        ("/workflows/v1/workflow", false),
    ] {
        assert_eq!(attaches(&rules, &key(), "POST", path), allowed, "{path}");
    }
}

#[test]
fn invalid_service_name_is_refused() {
    for name in [
        "", "/", "/a.C", "a.C/", "a.C/Get", "a..C", "..", "a%2eC", "a.C;x", "é.C",
    ] {
        let error = ApiKeyRules::none().allow_grpc(name).unwrap_err();
        assert!(
            error.to_string().starts_with("invalid gRPC service"),
            "{name:?}: {error}"
        );
    }
}

#[test]
fn a_rule_that_could_never_match_as_meant_is_refused_when_it_is_made() {
    for (origin, prefix) in [
        ("search.example", "/v2"),
        ("ftp://search.example", "/v2"),
        ("https://search.example/v2", "/v2"),
        ("https://u@search.example", "/v2"),
        ("https://search.example:", "/v2"),
        ("http://search.example", "/v2"),
        ("https://search.example", ""),
        ("https://search.example", "/"),
        ("https://search.example", "v2"),
        ("https://search.example", "/v2/"),
        ("https://search.example", "//v2"),
        ("https://search.example", "/v2/../v3"),
        ("https://search.example", "/v%32"),
        ("https://search.example", "/v2;x"),
        ("https://search.example", "/v2?x"),
        ("https://search.example", "/v2#x"),
        ("https://search.example", "/é"),
        ("https://search.example", "/v 2"),
    ] {
        let error = ApiKeyRules::none().allow_rest(origin, prefix).unwrap_err();
        assert!(
            error.to_string().starts_with("invalid "),
            "{origin} {prefix}: {error}"
        );
    }
    let fake = ApiKeyRules::none()
        .allow_rest("http://127.0.0.1:8080", "/v2")
        .unwrap();
    assert!(attaches(&fake, &key(), "GET", "http://127.0.0.1:8080/v2/x"));
}

#[test]
fn a_refusal_names_rule_method_and_place_and_says_what_to_do() {
    for (uri, text) in [
        (
            "https://serverless-workflows.api.cloud.yandex.net/workflows/v1/workflow?folderId=canary",
            "an API key works only for methods of the Execution resource: \
             POST serverless-workflows.api.cloud.yandex.net/workflows/v1/workflow was not sent; allowed: \
             /workflows/v1/execution and below, gRPC yandex.cloud.serverless.workflows.v1.ExecutionService, \
             everything with an IAM token",
        ),
        (
            "https://canary:canary@evil.example/x?canary",
            "credentials go only to a whole URI with a plain host, a readable port, and no user name: \
             POST evil.example/x was not sent; allowed: \
             https to api.cloud.yandex.net and hosts under it on the default port, what `TrustedOrigins::allow` adds",
        ),
    ] {
        assert_eq!(
            decide(&Workflows::new(), &key(), &request("POST", uri))
                .unwrap_err()
                .to_string(),
            text
        );
    }
    let rules = [
        (
            "/workflows/v1/execution/a%2Fb",
            "an API key goes only with a plain path",
        ),
        (
            "http://iam.api.cloud.yandex.net/",
            "credentials go only over `https`",
        ),
        (
            "https://evil.example/",
            "credentials go only to trusted origins",
        ),
        ("evil.example:443", "credentials go only to a whole URI"),
    ];
    for (uri, rule) in rules {
        let denial = decide(&Workflows::new(), &key(), &request("GET", uri)).unwrap_err();
        assert!(denial.rule().starts_with(rule), "{denial}");
    }
}

#[test]
fn a_refusal_by_listed_rules_lists_them() {
    let rules = ApiKeyRules::none()
        .allow_rest("https://search.example:8443", "/v2")
        .unwrap()
        .allow_grpc("a.C")
        .unwrap();
    assert_eq!(
        decide(&rules, &key(), &request("GET", "https://search.example/v2"))
            .unwrap_err()
            .to_string(),
        "an API key works only for the methods listed for it: GET search.example/v2 was not sent; allowed: \
         https://search.example:8443/v2 and below, gRPC a.C, everything with an IAM token"
    );
    let origins = TrustedOrigins::none()
        .allow("https://a.example")
        .unwrap()
        .allow_insecure("http://b.example:1")
        .unwrap();
    assert_eq!(
        decide(
            &origins.allow_loopback(),
            &key(),
            &request("GET", "https://b.example:1/")
        )
        .unwrap_err()
        .to_string(),
        "credentials go only to trusted origins: GET b.example:1/ was not sent; allowed: \
         https://a.example, http://b.example:1, http and https to loopback, what `TrustedOrigins::allow` adds"
    );
}

#[test]
fn an_invalid_origin_says_what_is_wrong_and_never_the_text() {
    let error = TrustedOrigins::none()
        .allow("https://canary:canary@a.example")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid origin: a user name or password stands before the host, leave it out"
    );
    assert!(!format!("{error:?}").contains("canary"));
    let error = TrustedOrigins::none()
        .allow("http://a.example")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid origin: `http` would show the credential to the network, use `https`"
    );
}

#[test]
fn deny_beats_skip_beats_attach_in_either_order() {
    let attach = |_: &RequestHead<'_>, _: &Credential| Decision::Attach;
    let skip = |_: &RequestHead<'_>, _: &Credential| Decision::Skip;
    let deny =
        |request: &RequestHead<'_>, _: &Credential| Decision::Deny(Denial::new("no", request));
    let request = request("GET", "/");
    let head = RequestHead::of(&request);
    assert!(matches!(
        attach.and(Unrestricted).decide(&head, &token()),
        Decision::Attach
    ));
    assert!(matches!(
        attach.and(skip).decide(&head, &token()),
        Decision::Skip
    ));
    assert!(matches!(
        skip.and(attach).decide(&head, &token()),
        Decision::Skip
    ));
    assert!(matches!(
        skip.and(deny).decide(&head, &token()),
        Decision::Deny(_)
    ));
    assert!(matches!(
        deny.and(skip).decide(&head, &token()),
        Decision::Deny(_)
    ));
    assert!(matches!(
        attach.and(Arc::new(deny)).decide(&head, &token()),
        Decision::Deny(_)
    ));
}

#[test]
fn policies_are_small_values_that_threads_share() {
    fn shared<P: Policy + Clone + std::fmt::Debug + Send + Sync + 'static>(_: &P) {}
    shared(&Workflows::default());
    shared(&ExecutionOnly);
    shared(&Unrestricted);
    shared(&ApiKeyRules::workflows());
    shared(&TrustedOrigins::yandex_cloud().and(ApiKeyRules::none()));
    assert_eq!(size_of::<(Workflows, ExecutionOnly, Unrestricted)>(), 0);
    assert!(size_of::<ApiKeyRules>() <= 16 && size_of::<TrustedOrigins>() <= 16);
}
