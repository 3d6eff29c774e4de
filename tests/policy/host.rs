//! Requests whose parts name different hosts.

use http::{HeaderValue, Method, Request, Uri};
use yandex_cloud_auth::{
    ApiKeyRules, Decision, Denial, Policy, RequestHead, TrustedOrigins, Workflows, policy_fn,
};

use crate::support::{WORKFLOWS, attaches, decide, key, request, token};

const START: &str = "/workflows/v1/execution/start";

fn with_hosts(uri: &str, hosts: &[&str]) -> Request<()> {
    let mut request = request("POST", uri);
    for host in hosts {
        let value = HeaderValue::from_bytes(host.as_bytes()).unwrap();
        request.headers_mut().append("host", value);
    }
    request
}

#[test]
fn host_field_must_name_target() {
    let host = "serverless-workflows.api.cloud.yandex.net";
    let upper = host.to_uppercase();
    let with_port = format!("{host}:443");
    let other_port = format!("{host}:8443");
    let with_dot = format!("{host}.");
    let with_user = format!("u@{host}");
    let uri = format!("{WORKFLOWS}{START}");
    for (hosts, passes) in [
        (vec![], true),
        (vec![host], true),
        (vec![upper.as_str()], true),
        (vec![with_port.as_str()], true),
        (vec![with_dot.as_str()], true),
        (vec![other_port.as_str()], false),
        (vec![with_user.as_str()], false),
        (vec!["evil.example"], false),
        (vec!["iam.api.cloud.yandex.net"], false),
        (vec![""], false),
        (vec![" "], false),
        (vec![host, host], false),
        (vec![host, "evil.example"], false),
        (vec!["é"], false),
    ] {
        let request = with_hosts(&uri, &hosts);
        for credential in [key(), token()] {
            let decided = decide(&Workflows::new(), &credential, &request);
            assert_eq!(decided.is_ok(), passes, "{hosts:?}");
        }
    }
    let denial = decide(
        &Workflows::new(),
        &token(),
        &with_hosts(&uri, &["evil.example"]),
    );
    assert!(denial.unwrap_err().rule().contains("`Host`"));
}

#[test]
fn host_field_without_authority_must_be_one() {
    for (hosts, passes) in [
        (vec![], true),
        (vec!["localhost:8080"], true),
        (vec![""], false),
        (vec!["a", "a"], false),
    ] {
        let request = with_hosts(START, &hosts);
        let decided = decide(&Workflows::new(), &token(), &request);
        assert_eq!(decided.is_ok(), passes, "{hosts:?}");
    }
}

#[test]
fn path_without_authority_must_name_no_host() {
    for (path, passes) in [
        ("/", true),
        (START, true),
        ("//evil.example/x", false),
        ("/\\evil.example/x", false),
        ("/x//y", true),
    ] {
        let mut request = request("GET", "/");
        *request.uri_mut() = Uri::builder().path_and_query(path).build().unwrap();
        let decided = decide(&Workflows::new(), &token(), &request);
        assert_eq!(decided.is_ok(), passes, "{path}");
    }
}

#[test]
fn asterisk_passes_with_options_only() {
    for (method, passes) in [("OPTIONS", true), ("GET", false), ("options", false)] {
        let request = request(method, "*");
        let decided = decide(&TrustedOrigins::yandex_cloud(), &token(), &request);
        assert_eq!(decided.is_ok(), passes, "{method}");
    }
}

/// `https://good` and `@evil.example/x` are one text that names another host. The `http` crate
/// refuses such a path since 1.4.1, but an asterisk passes it.
#[test]
fn path_after_authority_starts_with_slash() {
    let uri = |path: &str| {
        let uri = Uri::builder().scheme("https");
        let uri = uri.authority("iam.api.cloud.yandex.net");
        uri.path_and_query(path).build()
    };
    for path in ["@evil.example/x", ".evil.example/x", ":1@evil.example", "x"] {
        assert!(uri(path).is_err(), "{path}");
    }
    for (path, passes) in [("*", false), ("/", true), ("//x", true), ("?x", true)] {
        let mut request = Request::new(());
        *request.uri_mut() = uri(path).unwrap();
        let decided = decide(&Workflows::new(), &token(), &request);
        assert_eq!(decided.is_ok(), passes, "{path}: {decided:?}");
    }
}

#[test]
fn trace_and_connect_are_denied_in_any_case() {
    for name in ["TRACE", "trace", "Trace", "CONNECT", "connect", "cOnNeCt"] {
        let method = Method::from_bytes(name.as_bytes()).unwrap();
        for uri in [format!("{WORKFLOWS}{START}"), START.to_owned()] {
            let request = Request::builder()
                .method(method.clone())
                .uri(uri)
                .body(())
                .unwrap();
            let denial = decide(&Workflows::new(), &token(), &request).unwrap_err();
            assert!(denial.rule().contains("TRACE or CONNECT"), "{denial}");
        }
    }
    assert!(attaches(&Workflows::new(), &token(), "PROPFIND", WORKFLOWS));
}

#[test]
fn added_origin_keeps_rule_on_api_keys() {
    let policies = [
        Workflows::new()
            .allow("https://workflows.corp.example")
            .unwrap(),
        Workflows::new()
            .allow_insecure("http://workflows.corp.example")
            .unwrap(),
        Workflows::new().allow_any_https(),
        Workflows::new().allow_loopback(),
    ];
    let origins = [
        "https://workflows.corp.example",
        "http://workflows.corp.example",
        "https://workflows.corp.example",
        "http://127.0.0.1:8080",
    ];
    for (policy, origin) in policies.iter().zip(origins) {
        let workflow = format!("{origin}/workflows/v1/workflow");
        assert!(attaches(
            policy,
            &key(),
            "POST",
            &format!("{origin}{START}")
        ));
        assert!(!attaches(policy, &key(), "POST", &workflow), "{origin}");
        assert!(attaches(policy, &token(), "POST", &workflow), "{origin}");
        assert!(attaches(
            policy,
            &key(),
            "POST",
            &format!("{WORKFLOWS}{START}")
        ));
        assert!(!attaches(policy, &token(), "POST", "http://evil.example/"));
    }
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
}

#[test]
fn closure_without_types_is_a_policy() {
    let policy = policy_fn(|head, credential| match credential.scheme().as_str() {
        "Bearer" => Decision::Attach,
        _ => Decision::Deny(Denial::new("tokens only", head)),
    });
    assert!(attaches(&policy, &token(), "GET", "/"));
    assert!(!attaches(&policy, &key(), "GET", "/"));
    let both = Workflows::new().and(policy);
    assert!(
        both.precheck(&RequestHead::of(&request("GET", "https://evil.example/")))
            .is_some()
    );
}
