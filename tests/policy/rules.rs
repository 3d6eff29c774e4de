//! Rules for other services.

use yandex_cloud_auth::ApiKeyRules;

use crate::support::{attaches, decide, key, request, token};

#[test]
fn listed_rest_path_is_bound_to_origin() {
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
fn listed_service_is_added_to_preset() {
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
fn invalid_rule_is_refused() {
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
fn whole_origin_takes_api_key_for_every_path() {
    let rules = ApiKeyRules::none()
        .allow_origin("https://d5d.apigw.example")
        .unwrap();
    for (uri, allowed) in [
        ("https://d5d.apigw.example/", true),
        ("https://d5d.apigw.example/a%2fb//", true),
        ("https://D5D.apigw.example:443/x", true),
        ("https://other.apigw.example/", false),
        ("http://d5d.apigw.example/", false),
        ("/x", false),
    ] {
        assert_eq!(attaches(&rules, &key(), "GET", uri), allowed, "{uri}");
    }
    assert!(
        ApiKeyRules::none()
            .allow_origin("http://d5d.apigw.example")
            .is_err()
    );
    // Every path is allowed there, so the denial does not ask for a plain path.
    let denial = decide(
        &rules,
        &key(),
        &request("GET", "https://other.example/a%2fb"),
    );
    let rule = denial.unwrap_err().rule().to_owned();
    assert_eq!(rule, "an API key works only for the methods listed for it");
}
