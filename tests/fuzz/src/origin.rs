//! Origins that a credential may go to.

use http::{Method, Request, Uri};
use yandex_cloud_auth::{Credential, Decision, Policy, RequestHead, TrustedOrigins};

use super::input::Input;
use super::reading::{Origin, Trust, is_trusted};

/// A byte for the method, one for the policy, a line for the origin of a rule, a line for the URI.
/// The rest is the `Host` field.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let method = input
        .pick(
            &[
                Method::GET,
                Method::POST,
                Method::OPTIONS,
                Method::TRACE,
                Method::CONNECT,
            ]
            .each_ref(),
        )
        .clone();
    let flags = input.byte();
    let rule = String::from_utf8_lossy(input.line());
    let Ok(uri) = Uri::try_from(input.line()) else {
        return;
    };
    let Some(request) = request(method, uri, input.rest()) else {
        return;
    };
    let (policy, trust) = policy(flags, &rule);

    let token = Credential::iam_token("t1.a").expect("the constant is a token");
    let head = RequestHead::of(&request);
    let decision = policy.decide(&head, &token);
    let precheck = policy.precheck(&head);
    let attaches = matches!(decision, Decision::Attach);
    assert_eq!(matches!(precheck, Some(Decision::Deny(_))), !attaches);
    let expected = is_trusted(request.method(), request.uri(), request.headers(), &trust);
    assert_eq!(attaches, expected, "{request:?} by {trust:?}");
    if let Decision::Deny(denial) = decision {
        let text = format!("{denial}{denial:?}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}

fn request(method: Method, uri: Uri, host: &[u8]) -> Option<Request<()>> {
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    if !host.is_empty() {
        let host = host.try_into().ok()?;
        request.headers_mut().insert("host", host);
    }
    Some(request)
}

/// The policy, and what it is expected to trust.
fn policy(flags: u8, rule: &str) -> (TrustedOrigins, Trust) {
    let mut trust = Trust::default();
    let mut policy = TrustedOrigins::none();
    if flags & 1 != 0 {
        (policy, trust.yandex_cloud) = (TrustedOrigins::yandex_cloud(), true);
    }
    if flags & 2 != 0 {
        (policy, trust.loopback) = (policy.allow_loopback(), true);
    }
    if flags & 4 != 0 {
        (policy, trust.any_https) = (policy.allow_any_https(), true);
    }
    let origin = Origin::of_rule(rule);
    let secure = origin
        .as_ref()
        .is_some_and(|origin| origin.scheme == "https");
    let listed = if secure {
        policy.clone().allow(rule)
    } else {
        policy.clone().allow_insecure(rule)
    };
    assert_eq!(listed.is_ok(), origin.is_some(), "{rule:?}");
    trust.listed.extend(origin);
    (listed.unwrap_or(policy), trust)
}
