//! What a denial says.

use http::Request;
use yandex_cloud_auth::{
    ApiKeyRules, Decision, Denial, ExecutionOnly, Policy, RequestHead, TrustedOrigins, Workflows,
};

use crate::support::{START, WORKFLOWS, decide, key, request, token};

#[test]
fn denial_reads_same_before_and_after_fetch() {
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
            decide(&parts, &key(), &request).unwrap_err().rule(),
            after.rule()
        );
    }
}

#[test]
fn denial_names_rule_method_target_and_remedy() {
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
             https to api.cloud.yandex.net and hosts under it on the default port, what `Workflows::allow` adds",
        ),
    ] {
        let denial = decide(&Workflows::new(), &key(), &request("POST", uri)).unwrap_err();
        assert_eq!(denial.to_string(), text);
        assert_eq!(format!("{denial:?}"), format!("Denial({text:?})"));
    }
    let rules = [
        (
            "/workflows/v1/execution/a%2Fb",
            "an API key goes only with a plain path",
        ),
        (
            "https://serverless-workflows.api.cloud.yandex.net/",
            "an API key works only for methods of the Execution resource",
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
fn denial_lists_rules() {
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
    for rules in [
        ApiKeyRules::none(),
        ApiKeyRules::workflows().allow_grpc("a.C").unwrap(),
    ] {
        let denial = decide(&rules, &key(), &request("GET", "/x")).unwrap_err();
        assert_eq!(
            denial.rule(),
            "an API key works only for the methods listed for it"
        );
    }
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
fn invalid_origin_error_hides_text() {
    let error = TrustedOrigins::none()
        .allow("https://canary:canary@a.example")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid origin: it has a user name or password before the host, leave it out"
    );
    assert!(!format!("{error:?}").contains("canary"));
    let error = TrustedOrigins::none()
        .allow("http://a.example")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid origin: over `http` the network can read the credential, use `https`"
    );
}

#[test]
fn denial_names_setter_that_fits() {
    let denied = |policy: &dyn Fn(&Request<()>) -> Denial, uri: &str| {
        policy(&request("GET", uri)).to_string()
    };
    let default = |request: &Request<()>| decide(&Workflows::new(), &token(), request).unwrap_err();
    let origins = TrustedOrigins::none()
        .allow_insecure("http://a.example")
        .unwrap();
    let listed = |request: &Request<()>| decide(&origins, &token(), request).unwrap_err();
    for (text, expected) in [
        (
            denied(&default, "http://127.0.0.1:1/x"),
            "`Workflows::allow_loopback`",
        ),
        (
            denied(&default, "http://corp.example/x"),
            "`Workflows::allow_insecure`",
        ),
        (
            denied(&default, "https://corp.example/x"),
            "`Workflows::allow`",
        ),
        (
            denied(&listed, "http://b.example/x"),
            "credentials go only to trusted origins",
        ),
        (
            denied(&default, "wss://api.cloud.yandex.net/x"),
            "credentials go only over `https`",
        ),
        (
            denied(&default, "evil.example:443"),
            "credentials go only to a whole URI",
        ),
        (
            denied(&default, "//evil.example/x"),
            "credentials go only with a path that names no other host",
        ),
        (
            denied(&listed, "https://b.example/x"),
            "`TrustedOrigins::allow`",
        ),
    ] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(!denied(&listed, "http://b.example/x").contains("only over `https`"));
    let proxied = format!("{WORKFLOWS}/proxy{START}");
    let denial = decide(&Workflows::new(), &key(), &request("POST", &proxied)).unwrap_err();
    assert!(denial.to_string().contains("`ApiKeyRules`"), "{denial}");
}
