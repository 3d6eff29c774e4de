//! Requests, and which of them may carry which credential.

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderValue, Method, Request, Uri};
use yandex_cloud_auth::{AuthOverride, Credential};

use super::super::input::Input;
use super::super::reading::{Origin, Trust, is_execution, is_trusted};
use super::world::SECRET;

const HOSTS: [&str; 10] = [
    "https://serverless-workflows.api.cloud.yandex.net",
    "https://iam.api.cloud.yandex.net.:443",
    "https://corp.example:8443",
    "http://127.0.0.1:8080",
    "",
    "http://serverless-workflows.api.cloud.yandex.net",
    "https://api.cloud.yandex.net.evil.example",
    "https://user@serverless-workflows.api.cloud.yandex.net",
    "https://serverless-workflows.api.cloud.yandex.net:444",
    "wss://serverless-workflows.api.cloud.yandex.net",
];

const PATHS: [&str; 7] = [
    "/workflows/v1/execution/start",
    "/yandex.cloud.serverless.workflows.v1.ExecutionService/Start",
    "/workflows/v1/workflow",
    "/workflows/v1/execution/../workflow",
    "//evil.example/workflows/v1/execution",
    "/workflows/v1/execution/%2e%2e/workflow?x",
    "/",
];

/// What the layer is set to.
pub(super) struct Rule {
    pub(super) api_key: bool,
    pub(super) loopback: bool,
    pub(super) origin: Option<&'static str>,
    trust: Trust,
}

impl Rule {
    pub(super) fn of(settings: u8) -> Self {
        let listed = Origin::of_rule("https://corp.example:8443");
        let loopback = settings & 2 != 0;
        Self {
            api_key: settings & 1 != 0,
            loopback,
            origin: match settings >> 2 & 3 {
                0 => Some("https://serverless-workflows.api.cloud.yandex.net"),
                1 => Some("http://serverless-workflows.api.cloud.yandex.net"),
                _ => None,
            },
            trust: Trust {
                listed: listed.into_iter().collect(),
                loopback,
                yandex_cloud: true,
                ..Trust::default()
            },
        }
    }

    /// Whether a credential may go with the request.
    pub(super) fn allows(&self, request: &Request<()>, is_api_key: bool) -> bool {
        let (method, uri) = (request.method(), request.uri());
        let is_bound_to_plain_http = uri.authority().is_none()
            && self
                .origin
                .is_some_and(|origin| origin.starts_with("http:"));
        // A URI without authority is bound to this origin, so that its `Host` is compared.
        let bound = bound(uri, self.origin);
        !is_bound_to_plain_http
            && (!is_api_key || is_execution(uri.path()))
            && is_trusted(method, &bound, request.headers(), &self.trust)
            && is_trusted(method, uri, &http::HeaderMap::new(), &self.trust)
    }
}

fn bound(uri: &Uri, origin: Option<&str>) -> Uri {
    let text = match (uri.authority(), origin) {
        (None, Some(origin)) if uri.path().starts_with('/') => format!("{origin}{uri}"),
        _ => return uri.clone(),
    };
    text.parse().unwrap_or_else(|_| uri.clone())
}

/// A request that the bytes describe, if its parts are those of a request.
pub(super) fn request(input: &mut Input<'_>) -> Option<Request<()>> {
    let method = input.pick(&[
        "GET", "POST", "OPTIONS", "TRACE", "CONNECT", "trace", "PURGE",
    ]);
    let uri = uri(input)?;
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = uri;
    let extras = input.byte();
    let own = ["Basic b3du", "Bearer own"].map(HeaderValue::from_static);
    for value in own.into_iter().take(usize::from(extras & 3)) {
        request.headers_mut().append(AUTHORIZATION, value);
    }
    if extras & 4 != 0 {
        let host = HeaderValue::from_bytes(input.line()).ok()?;
        request.headers_mut().insert(HOST, host);
    }
    if let Some(choice) = choice(extras >> 3) {
        request.extensions_mut().insert(choice);
    }
    Some(request)
}

fn uri(input: &mut Input<'_>) -> Option<Uri> {
    let (host, path) = (input.byte(), input.byte());
    if host == 255 {
        return Uri::try_from(input.line()).ok();
    }
    let host = HOSTS[usize::from(host) % HOSTS.len()];
    if path == 255 {
        let path = String::from_utf8_lossy(input.line());
        return format!("{host}{path}").parse().ok();
    }
    let path = PATHS[usize::from(path) % PATHS.len()];
    format!("{host}{path}").parse().ok()
}

fn choice(extras: u8) -> Option<AuthOverride> {
    let credential = match extras % 8 {
        0 => return Some(AuthOverride::Anonymous),
        1 => Credential::api_key(format!("AQVN{SECRET}-override")),
        2 => Credential::iam_token(format!("t1.{SECRET}.override")),
        _ => return None,
    };
    credential.ok().map(AuthOverride::Use)
}
