//! The origins of each installation.

use std::env;
use std::process::Command;

use http::Request;
use yandex_cloud_auth::{Policy, Region, RequestHead, TrustedOrigins, Workflows};

use crate::support::{attaches, decide, key, request, token};

fn at(domain: &str) -> TrustedOrigins {
    TrustedOrigins::region(&Region::at(domain).unwrap())
}

#[test]
fn region_trusts_its_own_hosts_only() {
    let regions = [
        TrustedOrigins::region(&Region::russia()),
        TrustedOrigins::region(&Region::kazakhstan()),
        at("Api.Example.net."),
    ];
    for (uri, trusted) in [
        (
            "https://serverless-workflows.api.cloud.yandex.net/x",
            [true, false, false],
        ),
        (
            "https://api.cloud.yandex.net/endpoints",
            [true, false, false],
        ),
        (
            "https://serverless-workflows.api.yandexcloud.kz/x",
            [false, true, false],
        ),
        ("https://api.yandexcloud.kz/endpoints", [false, true, false]),
        (
            "https://Dpl.Lockbox.API.YandexCloud.KZ.:443/x",
            [false, true, false],
        ),
        ("https://iam.api.example.net/x", [false, false, true]),
        ("http://iam.api.example.net/x", [false; 3]),
        ("https://iam.api.example.net:8443/x", [false; 3]),
        ("https://iamapi.example.net/x", [false; 3]),
        ("https://api.example.net.evil.example/x", [false; 3]),
        ("https://stt.api.ml.yandexcloud.kz/x", [false; 3]),
        ("https://functions.yandexcloud.kz/x", [false; 3]),
    ] {
        let attached = regions
            .each_ref()
            .map(|region| attaches(region, &token(), "GET", uri));
        assert_eq!(attached, trusted, "{uri}");
    }
}

#[test]
fn region_can_be_widened() {
    let region = at("api.example.net")
        .allow("https://other.example")
        .unwrap()
        .allow_loopback();
    for (uri, trusted) in [
        ("https://iam.api.example.net/x", true),
        ("https://other.example/x", true),
        ("http://127.0.0.1:8080/x", true),
        ("https://api.cloud.yandex.net/x", false),
    ] {
        assert_eq!(attaches(&region, &token(), "GET", uri), trusted, "{uri}");
    }
}

#[test]
fn denial_names_domain_of_region() {
    let request = request("GET", "https://serverless-workflows.api.cloud.yandex.net/x");
    let denial = decide(&at("api.example.net"), &token(), &request).unwrap_err();
    let text = denial.to_string();
    assert!(
        text.contains("https to api.example.net and hosts under it"),
        "{text}"
    );
}

#[test]
fn region_keeps_rule_on_host_field() {
    let request = Request::get("https://iam.api.yandexcloud.kz/x")
        .header("host", "iam.api.cloud.yandex.net")
        .body(())
        .unwrap();
    let origins = TrustedOrigins::region(&Region::kazakhstan());
    assert!(origins.precheck(&RequestHead::of(&request)).is_some());
}

/// Runs one of the ignored tests below with this value of `YC_ENDPOINT`.
fn run_at(endpoint: &str, test: &str) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--ignored"])
        .env("YC_ENDPOINT", endpoint)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{endpoint}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn default_policy_trusts_region_of_process() {
    for endpoint in ["api.yandexcloud.kz", "https://api.yandexcloud.kz:443"] {
        run_at(endpoint, "region::process_in_kazakhstan");
        run_at(endpoint, "region::host_field_denial_names_host_field");
    }
    for endpoint in [
        "",
        "api.cloud.yandex.net",
        "api.yandexcloud.kz:8443",
        "yandexcloud.kz",
        "api.kz",
    ] {
        run_at(endpoint, "region::process_in_russia");
    }
}

const KAZAKHSTAN: &str = "https://serverless-workflows.api.yandexcloud.kz";

#[test]
#[ignore = "run by another test with its own environment"]
fn process_in_kazakhstan() {
    let execution = format!("{KAZAKHSTAN}/workflows/v1/execution/start");
    let workflow = format!("{KAZAKHSTAN}/workflows/v1/workflow");
    let plain = execution.replace("https", "http");
    let default = Workflows::new();
    let widened = Workflows::new().allow_loopback();
    for (credential, method, uri, expected) in [
        (token(), "GET", &execution, true),
        (token(), "GET", &workflow, true),
        (key(), "GET", &execution, true),
        (key(), "GET", &workflow, false),
        (token(), "GET", &plain, false),
        (token(), "TRACE", &execution, false),
    ] {
        let request = request(method, uri);
        let head = RequestHead::of(&request);
        assert_eq!(
            attaches(&default, &credential, method, uri),
            expected,
            "{uri}"
        );
        assert_eq!(
            attaches(&widened, &credential, method, uri),
            expected,
            "{uri}"
        );
        let only_key_is_denied = !expected && uri == &workflow;
        for prechecked in [default.precheck(&head), widened.precheck(&head)] {
            assert_eq!(prechecked.is_none(), expected || only_key_is_denied);
        }
    }
    let foreign = request("GET", "https://evil.example/x");
    let denial = decide(&default, &token(), &foreign)
        .unwrap_err()
        .to_string();
    assert!(denial.contains("https to api.cloud.yandex.net"), "{denial}");
    assert!(attaches(
        &default,
        &token(),
        "GET",
        "https://api.cloud.yandex.net/x"
    ));
    let listed = TrustedOrigins::yandex_cloud();
    assert!(!attaches(&listed, &token(), "GET", &execution));
    assert_eq!(Region::from_env(), Ok(Region::kazakhstan()));
}

#[test]
#[ignore = "run by another test with its own environment"]
fn process_in_russia() {
    let uri = format!("{KAZAKHSTAN}/workflows/v1/execution/start");
    assert!(!attaches(&Workflows::new(), &token(), "GET", &uri));
    assert!(!attaches(
        &Workflows::new().allow_loopback(),
        &token(),
        "GET",
        &uri
    ));
    let of_api = "https://iam.api.kz/x";
    assert!(!attaches(&Workflows::new(), &token(), "GET", of_api));
}

#[test]
#[ignore = "run by another test with its own environment"]
fn host_field_denial_names_host_field() {
    let request = Request::get(KAZAKHSTAN)
        .header("host", "iam.api.cloud.yandex.net")
        .body(())
        .unwrap();
    let denial = decide(&Workflows::new(), &token(), &request).unwrap_err();
    assert!(denial.rule().contains("`Host` field"), "{denial}");
}
