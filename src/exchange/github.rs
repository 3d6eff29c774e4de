//! The ID token of a job of GitHub Actions *(GitHub, "OpenID Connect reference")*.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method};
use http_body_util::Full;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::error::{ExchangeError, invalid_response, success_body};
use crate::transport::{Client, Response};

#[derive(Deserialize)]
struct IdToken<'a> {
    #[serde(borrow, default)]
    value: Cow<'a, str>,
}

/// Requests an ID token for the audience. `path` has a query already, `authorization` has the
/// request token, and `sent` is that token.
pub(crate) async fn id_token(
    client: &Client,
    path: &str,
    audience: &str,
    authorization: HeaderValue,
    sent: &str,
) -> Result<Zeroizing<String>, ExchangeError> {
    let request = client
        .request(Method::GET, &with_audience(path, audience))
        .map_err(ExchangeError::NoResponse)?
        .header(AUTHORIZATION, authorization)
        .body(Full::new(Bytes::new()))
        .expect("the URL was checked and the headers are valid");
    let response = client
        .send(request)
        .await
        .map_err(ExchangeError::NoResponse)?;
    value_in(&response, sent)
}

fn with_audience(path: &str, audience: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    let audience: String = form_urlencoded::byte_serialize(audience.as_bytes()).collect();
    format!("{path}{separator}audience={audience}")
}

fn value_in(response: &Response, sent: &str) -> Result<Zeroizing<String>, ExchangeError> {
    let token: IdToken<'_> = success_body(response, sent)?;
    match token.value.trim() {
        "" => Err(invalid_response(response, "it has no `value`")),
        value => Ok(Zeroizing::new(value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audience_is_encoded_and_appended() {
        for (path, audience, expected) in [
            (
                "/idtoken?api-version=2.0",
                "https://a.example/x y&z",
                "/idtoken?api-version=2.0&audience=https%3A%2F%2Fa.example%2Fx+y%26z",
            ),
            ("/idtoken", "a", "/idtoken?audience=a"),
        ] {
            assert_eq!(with_audience(path, audience), expected);
        }
    }
}
