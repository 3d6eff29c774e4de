//! Requests whose parts name different hosts.

use http::{HeaderValue, Request, Uri};
use yandex_cloud_auth::{TrustedOrigins, Workflows};

use crate::support::{START, WORKFLOWS, decide, key, request, token};

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
