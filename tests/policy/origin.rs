//! The origins that credentials are sent to.

use http::{Request, Uri};
use yandex_cloud_auth::{
    ApiKeyRules, Decision, ExecutionOnly, Policy, RequestHead, TrustedOrigins, Unrestricted,
    Workflows,
};

use crate::support::{attaches, decide, key, mutations, request, token};

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

/// Full-width dots and other scripts look like the host that is trusted.
#[test]
fn host_beyond_ascii_is_no_uri() {
    for host in [
        "\u{ff41}pi.cloud.yandex.net",
        "api\u{3002}cloud.yandex.net",
        "api\u{ff0e}cloud.yandex.net",
        "\u{ff05}2e.api.cloud.yandex.net",
        "\u{430}pi.cloud.yandex.net",
        "\u{202e}.api.cloud.yandex.net",
        "\u{200b}.api.cloud.yandex.net",
    ] {
        assert!(format!("https://{host}/x").parse::<Uri>().is_err());
        assert!(
            TrustedOrigins::none()
                .allow(format!("https://{host}"))
                .is_err()
        );
    }
    // Their ASCII form is another name.
    assert!(!attaches(
        &Workflows::new(),
        &token(),
        "GET",
        "https://xn--pi-6kc.cloud.yandex.net/x"
    ));
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
fn authority_mutated_in_any_byte_follows_rule() {
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
fn scheme_built_by_hand_is_compared_by_bytes() {
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
    for method in ["TRACE", "trace", "Trace", "CONNECT", "connect", "cOnNeCt"] {
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
    let other = attaches(&Workflows::new(), &token(), "PROPFIND", "/x");
    assert!(other, "other extension methods pass");
}

#[test]
fn loopback_is_trusted_on_request_only() {
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
fn any_https_excludes_other_schemes_and_unreadable_hosts() {
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
fn foreign_host_is_denied_before_fetch() {
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
