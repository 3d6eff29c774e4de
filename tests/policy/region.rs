//! The origins of each installation.

use http::Request;
use yandex_cloud_auth::{Policy, Region, RequestHead, TrustedOrigins};

use crate::support::{attaches, decide, request, token};

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
