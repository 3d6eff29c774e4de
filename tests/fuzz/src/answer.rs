//! Responses of token endpoints.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use serde_json::Value;
use yandex_cloud_auth::{Credential, Scheme};

use super::input::Input;
use super::network::{Provider, check_error, set_field};
use super::reading::is_token68;

const STATUSES: [u16; 12] = [200, 201, 400, 401, 403, 404, 429, 500, 503, 302, 204, 599];

/// A byte for the provider, one for the status, one for the field that the next line is in. The
/// rest is the body.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let provider = input.pick(&Provider::ALL);
    let status = input.pick(&STATUSES);
    let field = input.pick(&["date", "retry-after", "x-request-id", "location"]);
    let value = input.line();
    let body = input.rest();

    let mut response = Response::new(Full::new(Bytes::copy_from_slice(body)));
    *response.status_mut() = status.try_into().expect("the constants are statuses");
    set_field(&mut response, field, value);

    match provider.fetch(response) {
        Ok(credential) => {
            assert!((200..300).contains(&status), "{status}");
            check_token(provider, &credential, body);
        }
        Err(error) => {
            let transient = matches!(status, 200..300 | 429 | 500..);
            let absent = provider == Provider::Metadata && matches!(status, 400 | 404);
            assert_eq!(error.is_transient(), transient, "{status}: {error}");
            assert_eq!(error.is_not_configured(), absent, "{status}: {error}");
            check_error(provider, &error);
        }
    }
}

/// The token is the one that the body has, as another reader of JSON sees it.
fn check_token(provider: Provider, credential: &Credential, body: &[u8]) {
    let token = credential.expose_secret();
    assert_eq!(credential.scheme(), Scheme::Bearer);
    assert!(credential.header_value().is_sensitive());
    assert!(is_token68(token) && token.len() <= 16_384, "{token:?}");

    let name = if provider.is_iam() {
        "iamToken"
    } else {
        "access_token"
    };
    // Fields that are ignored may hold text that this reader refuses.
    let Ok(body) = serde_json::from_str::<Value>(&String::from_utf8_lossy(body)) else {
        return;
    };
    assert_eq!(body[name].as_str(), Some(token));
    if !provider.is_iam() {
        let kind = body["token_type"].as_str().unwrap_or("bearer");
        assert!(kind.eq_ignore_ascii_case("bearer"), "{kind}");
    }
}
