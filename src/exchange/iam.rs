//! IAM's `tokens` resource: a token for a signed assertion, for an OAuth token, or of another
//! account.
//!
//! *(Yandex Cloud, "IamToken: Create", "IamToken: CreateForServiceAccount")*

use std::borrow::Cow;
use std::time::SystemTime;

use bytes::Bytes;
#[cfg(feature = "impersonation")]
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http::{Method, Request, request};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::Value;

use super::ASSUMED_LIFETIME;
use super::error::{ExchangeError, invalid_response, success_body};
use crate::credential::Credential;
#[cfg(any(feature = "service-account", feature = "oauth"))]
use crate::secret::Secret;
use crate::transport::{Client, Response};

/// The endpoint of IAM.
pub(crate) const ENDPOINT: &str = "https://iam.api.cloud.yandex.net";

/// The path of `Create`.
#[cfg(any(feature = "service-account", feature = "oauth"))]
const CREATE: &str = "/iam/v1/tokens";

/// The path of `CreateForServiceAccount`.
#[cfg(feature = "impersonation")]
const CREATE_FOR: &str = "/iam/v1/tokens:createForServiceAccount";

/// Exchanges one secret in the field `field`. The secret needs no escapes in JSON.
#[cfg(any(feature = "service-account", feature = "oauth"))]
pub(crate) async fn create_token(
    client: &Client,
    field: &str,
    secret: &str,
) -> Result<Credential, ExchangeError> {
    let body = Secret::concat(&[
        b"{\"",
        field.as_bytes(),
        b"\":\"",
        secret.as_bytes(),
        b"\"}",
    ]);
    let request = client
        .request(Method::POST, CREATE)
        .map_err(ExchangeError::NoResponse)?;
    send(client, request, body.into_bytes(), secret).await
}

/// Requests a token of another account, with the token of an identity that may impersonate it.
#[cfg(feature = "impersonation")]
pub(crate) async fn create_token_for(
    client: &Client,
    source_token: &Credential,
    service_account_id: &str,
) -> Result<Credential, ExchangeError> {
    let body = serde_json::json!({ "serviceAccountId": service_account_id }).to_string();
    let request = client
        .request(Method::POST, CREATE_FOR)
        .map_err(ExchangeError::NoResponse)?;
    send(
        client,
        request.header(AUTHORIZATION, source_token.header_value()),
        body.into(),
        source_token.expose_secret(),
    )
    .await
}

async fn send(
    client: &Client,
    request: request::Builder,
    body: Bytes,
    sent: &str,
) -> Result<Credential, ExchangeError> {
    let request: Request<_> = request
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .expect("the URL was checked and the headers are constants");
    let response = client
        .send(request)
        .await
        .map_err(ExchangeError::NoResponse)?;
    token_in(&response, sent)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created<'a> {
    #[serde(borrow, default)]
    iam_token: Cow<'a, str>,
    #[serde(default)]
    expires_at: Value,
}

fn token_in(response: &Response, sent: &str) -> Result<Credential, ExchangeError> {
    let created: Created<'_> = success_body(response, sent)?;
    let token = Credential::iam_token(&created.iam_token)
        .map_err(|error| invalid_response(response, &format!("`iamToken`: {error}")))?;
    Ok(with_expires_at(
        token,
        &created.expires_at,
        response.server_time_if_clock_is_wrong(),
    ))
}

/// The token with the expiry that `expires_at` states *(RFC 3339)*. If the local clock is wrong,
/// its lifetime counts from the time of the server.
fn with_expires_at(
    token: Credential,
    expires_at: &Value,
    server_time: Option<SystemTime>,
) -> Credential {
    let Some(end) = expires_at.as_str().and_then(rfc3339) else {
        return token.with_lifetime(ASSUMED_LIFETIME);
    };
    match server_time {
        Some(now) => token.with_lifetime(end.duration_since(now).unwrap_or_default()),
        None => token.with_expiry(end),
    }
}

fn rfc3339(text: &str) -> Option<SystemTime> {
    text.parse::<jiff::Timestamp>().ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::credential::Expiry;

    fn token() -> Credential {
        Credential::iam_token("t1.a").unwrap()
    }

    #[test]
    fn expiry_is_rfc_3339_or_fifteen_minutes() {
        let at =
            |seconds, nanos| Expiry::At(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos));
        let assumed = Expiry::In(ASSUMED_LIFETIME);
        for (text, expiry) in [
            (
                "2025-03-23T03:06:38.419948750Z",
                at(1_742_699_198, 419_948_750),
            ),
            ("2025-03-23T03:06:38Z", at(1_742_699_198, 0)),
            ("2025-03-23T03:06:38.4z", at(1_742_699_198, 400_000_000)),
            ("2025-03-23t03:06:38z", at(1_742_699_198, 0)),
            ("2025-03-23T06:06:38+03:00", at(1_742_699_198, 0)),
            ("2025-03-23T03:06:38+00:00", at(1_742_699_198, 0)),
            ("2016-12-31T23:59:60Z", at(1_483_228_799, 0)),
            (
                "1969-12-31T23:59:59Z",
                Expiry::At(SystemTime::UNIX_EPOCH - Duration::from_secs(1)),
            ),
            ("10000-01-01T00:00:00Z", assumed),
            ("2025-03-23T03:06:38.0123456789Z", assumed),
            ("2025-03-23T03:06:38", assumed),
            ("2025-02-30T03:06:38Z", assumed),
            ("tomorrow", assumed),
            ("", assumed),
        ] {
            assert_eq!(
                with_expires_at(token(), &text.into(), None).expiry(),
                expiry,
                "{text}"
            );
        }
        for value in [Value::Null, 5.into(), Value::Array(vec![])] {
            assert_eq!(with_expires_at(token(), &value, None).expiry(), assumed);
        }
        assert!(matches!(
            with_expires_at(token(), &"9999-12-30T00:00:00Z".into(), None).expiry(),
            Expiry::At(_)
        ));
    }

    #[test]
    fn wrong_clock_counts_from_server_time() {
        let server_time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_742_699_198 - 600);
        let end = "2025-03-23T03:06:38Z".into();
        assert_eq!(
            with_expires_at(token(), &end, Some(server_time)).expiry(),
            Expiry::In(Duration::from_secs(600))
        );
        let later = server_time + Duration::from_secs(601);
        assert_eq!(
            with_expires_at(token(), &end, Some(later)).expiry(),
            Expiry::In(Duration::ZERO)
        );
    }
}
