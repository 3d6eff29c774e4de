//! Published ways past the path and host rules of other programs, tried on these rules.

use http::Uri;
use yandex_cloud_auth::{ExecutionOnly, TrustedOrigins, Workflows};

use crate::support::{SERVICE, WORKFLOWS, attaches, key, token};

/// Why a server may reach another method than the one that was judged, and paths that try it.
const PATHS: [(&str, &[&str]); 12] = [
    // CVE-2026-33186 (grpc-go): a path without its slash misses the rule, and reaches the method.
    ("no leading slash", &["workflows/v1/execution/dfe1"]),
    // CVE-2019-9901 (Envoy).
    (
        "dot segments",
        &[
            "/workflows/v1/execution/../workflow/dfq1",
            "/workflows/v1/execution/./dfe1",
        ],
    ),
    // CVE-2021-29492 (Envoy).
    (
        "escaped separators",
        &[
            "/workflows/v1/execution/..%2Fworkflow",
            "/workflows/v1/execution/..%5Cworkflow",
            "/workflows/v1/execution%2fdfe1",
        ],
    ),
    // CVE-2021-32779 (Envoy), GHSA-fvhj-4qfh-q2hm (Traefik).
    (
        "a fragment as a part of the path",
        &["/workflows/v1/workflow#/workflows/v1/execution"],
    ),
    // CVE-2026-73551 (Envoy), CVE-2018-1199 (Spring).
    (
        "path parameters",
        &[
            "/workflows/v1/execution/..;foo=bar/workflow",
            "/workflows/v1/execution;x=1",
            "/workflows/v1/execution/dfe1;jsessionid=1",
        ],
    ),
    // CVE-2025-32431, CVE-2025-47952, CVE-2026-40912, CVE-2026-48020 (Traefik).
    (
        "dot segments and escapes together",
        &[
            "/workflows/v1/execution/%2e%2e/workflow",
            "/workflows/v1/execution/.%2e/workflow",
            "/workflows/v1/execution/%252e%252e/workflow",
            "/workflows/v1/workflow/%2e%2e/execution",
            "/workflows/v1/workflow/../execution",
        ],
    ),
    // CVE-2022-22978 (Spring): the dot of a regular expression matches no newline.
    (
        "an escaped newline",
        &[
            "/workflows/v1/execution/a%0ab",
            "/workflows/v1/execution/a%0d%0ab",
        ],
    ),
    // CVE-2023-34034 (Spring): a pattern of another dialect matches nothing.
    (
        "pattern characters",
        &[
            "/workflows/v1/*",
            "/workflows/**",
            "/workflows/v1/execution*",
            "/workflows/v1/execution.*",
        ],
    ),
    // CVE-2024-38821 (Spring).
    (
        "an extension",
        &[
            "/workflows/v1/execution.css",
            "/workflows/v1/execution.json",
        ],
    ),
    // CVE-2025-71399 (rou3).
    (
        "empty segments",
        &[
            "//workflows/v1/execution",
            "/workflows//v1/execution",
            "/workflows/v1/execution//dfe1",
        ],
    ),
    // CVE-2019-9900 (Envoy): a text that ends at its first NUL.
    (
        "an escaped NUL",
        &[
            "/workflows/v1/execution%00/../workflow",
            "/workflows/v1/execution/dfe1%00",
        ],
    ),
    (
        "a backslash",
        &[
            "/workflows/v1/execution/..\\workflow",
            "/workflows/v1\\execution",
        ],
    ),
];

#[test]
fn published_path_tricks_get_no_api_key() {
    for (trick, paths) in PATHS {
        let mut tried = 0;
        for path in paths {
            let method_path = path
                .replace("workflows/v1/execution", &format!("{SERVICE}/Start"))
                .replace("workflows/v1/workflow", "a.WorkflowService/Get");
            for path in [*path, &method_path] {
                for uri in [path.to_owned(), format!("{WORKFLOWS}{path}")] {
                    // A path without its slash is no URI, or one of another host.
                    if uri.parse::<Uri>().is_err() {
                        continue;
                    }
                    tried += 1;
                    let attached = attaches(&ExecutionOnly, &key(), "POST", &uri);
                    assert!(!attached, "{trick}: {uri}");
                    let attached = attaches(&Workflows::new(), &key(), "POST", &uri);
                    assert!(!attached, "{trick}: {uri}");
                }
            }
        }
        assert!(tried > 0, "{trick}");
    }
}

/// Why a credential may go to another server than the one that was judged, and URIs that try it.
const ORIGINS: [(&str, &[&str]); 7] = [
    // CVE-2022-27774, CVE-2022-27776 (curl): the same host is not the same origin.
    (
        "another port or scheme",
        &[
            "https://iam.api.cloud.yandex.net:8443/x",
            "https://iam.api.cloud.yandex.net:80/x",
            "http://iam.api.cloud.yandex.net:443/x",
            "http://iam.api.cloud.yandex.net/x",
            "ftp://iam.api.cloud.yandex.net/x",
        ],
    ),
    // CVE-2026-94265, CVE-2026-86413 (curl).
    (
        "a user name",
        &[
            "https://user@iam.api.cloud.yandex.net/x",
            "https://user:secret@iam.api.cloud.yandex.net/x",
            "https://:@iam.api.cloud.yandex.net/x",
        ],
    ),
    // CVE-2023-45289 (Go), CVE-2025-22870 (Go).
    (
        "a zone id that ends in the trusted host",
        &[
            "https://[::1%25.api.cloud.yandex.net]/x",
            "https://[fe80::1%25.api.cloud.yandex.net]:443/x",
            "https://[fe80::1%25iam.api.cloud.yandex.net]/x",
        ],
    ),
    // CVE-2023-45289 (Go).
    (
        "a suffix that is no subdomain",
        &[
            "https://evilapi.cloud.yandex.net/x",
            "https://evil-api.cloud.yandex.net/x",
            "https://api.cloud.yandex.net.evil.example/x",
        ],
    ),
    // CVE-2016-8624 (curl), CVE-2022-0639 (url-parse): parsers disagree on where the host ends.
    (
        "a separator inside the authority",
        &[
            "https://evil.example#@iam.api.cloud.yandex.net/x",
            "https://evil.example?@iam.api.cloud.yandex.net/x",
            "https://evil.example\\@iam.api.cloud.yandex.net/x",
            "https://iam.api.cloud.yandex.net@evil.example/x",
            "https://iam.api.cloud.yandex.net:443@evil.example/x",
            "https://iam.api.cloud.yandex.net\\@evil.example/x",
            "https://iam.api.cloud.yandex.net%2f@evil.example/x",
            "https://iam.api.cloud.yandex.net;@evil.example/x",
        ],
    ),
    // CVE-2025-27152 (axios): an absolute URL replaces the one that was configured.
    (
        "an absolute URL in place of a path",
        &["https://evil.example/workflows/v1/execution"],
    ),
    (
        "a network path in place of a path",
        &["//evil.example/workflows/v1/execution", "/\\evil.example/x"],
    ),
];

#[test]
fn published_origin_tricks_get_no_credential() {
    for (trick, uris) in ORIGINS {
        let mut tried = 0;
        for uri in uris {
            if uri.parse::<Uri>().is_err() {
                continue;
            }
            tried += 1;
            for credential in [key(), token()] {
                let origins = TrustedOrigins::yandex_cloud();
                assert!(
                    !attaches(&origins, &credential, "GET", uri),
                    "{trick}: {uri}"
                );
                let workflows = Workflows::new();
                let attached = attaches(&workflows, &credential, "GET", uri);
                assert!(!attached, "{trick}: {uri}");
            }
        }
        assert!(tried > 0, "{trick}");
    }
}
