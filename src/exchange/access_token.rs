//! The token response of OAuth 2.0 *(RFC 6749 §5.1)*, as the metadata service, the token exchange
//! and the context of a function have it.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::ASSUMED_LIFETIME;
use super::error::{ExchangeError, invalid_response, success_body};
use crate::credential::Credential;
use crate::transport::Response;

/// A token with its remaining lifetime in seconds.
#[derive(Deserialize)]
pub(crate) struct AccessToken<'a> {
    #[serde(borrow, default)]
    access_token: Cow<'a, str>,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    token_type: Value,
}

impl AccessToken<'_> {
    /// The credential. The error names the field and what is wrong with it.
    pub(crate) fn into_credential(self) -> Result<Credential, String> {
        match &self.token_type {
            Value::Null => {}
            Value::String(kind) if kind.eq_ignore_ascii_case("bearer") => {}
            _ => return Err("`token_type` is not Bearer".into()),
        }
        let token = Credential::iam_token(&self.access_token)
            .map_err(|error| format!("`access_token`: {error}"))?;
        Ok(with_expires_in(token, &self.expires_in))
    }
}

/// The credential in a response. `sent` is the secret in the request, which no error may show.
pub(crate) fn credential_in(response: &Response, sent: &str) -> Result<Credential, ExchangeError> {
    success_body::<AccessToken<'_>>(response, sent)?
        .into_credential()
        .map_err(|reason| invalid_response(response, &reason))
}

/// The token with the lifetime that `expires_in` states, in seconds *(RFC 6749 §5.1)*.
fn with_expires_in(token: Credential, expires_in: &Value) -> Credential {
    token.with_lifetime(seconds(expires_in).unwrap_or(ASSUMED_LIFETIME))
}

/// A number, or a number in a string. A negative one counts as zero, and one that is too large as
/// the maximum.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    if seconds.is_nan() {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Expiry;

    #[test]
    fn only_bearer_token_is_accepted() {
        for (json, problem) in [
            (
                r#"{"access_token":"t1.canary","expires_in":60,"token_type":"Bearer"}"#,
                None,
            ),
            (
                r#"{"access_token":"t1.canary","expires_in":60,"token_type":"bearer","x":[1]}"#,
                None,
            ),
            (r#"{"access_token":"t1.canary","expires_in":60}"#, None),
            (
                r#"{"access_token":"t1.canary","expires_in":60,"token_type":null}"#,
                None,
            ),
            (
                r#"{"access_token":"t1.canary","expires_in":60,"token_type":"DPoP"}"#,
                Some("`token_type` is not Bearer"),
            ),
            (
                r#"{"access_token":"t1.canary","expires_in":60,"token_type":1}"#,
                Some("`token_type` is not Bearer"),
            ),
            (
                r#"{"expires_in":60}"#,
                Some("`access_token`: invalid credential: it is empty"),
            ),
            (
                r#"{"access_token":"canary\u0000","expires_in":60}"#,
                Some("`access_token`: invalid credential: a character"),
            ),
            (
                r#"{"access_token":"canary\n","expires_in":60}"#,
                Some("`access_token`: invalid credential: white space"),
            ),
            (
                r#"{"access_token":"Bearer canary","expires_in":60}"#,
                Some("`access_token`: invalid credential: it starts"),
            ),
        ] {
            match (
                serde_json::from_str::<AccessToken<'_>>(json)
                    .unwrap()
                    .into_credential(),
                problem,
            ) {
                (Ok(token), None) => {
                    assert_eq!(token.expiry(), Expiry::In(Duration::from_secs(60)))
                }
                (Err(error), Some(problem)) => {
                    assert!(
                        error.starts_with(problem) && !error.contains("canary"),
                        "{error}"
                    )
                }
                (outcome, _) => panic!("{json}: {outcome:?}"),
            }
        }
    }

    fn token() -> Credential {
        Credential::iam_token("t1.a").unwrap()
    }

    #[test]
    fn any_number_is_a_lifetime() {
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (text, lifetime) in [
            ("43200", Duration::from_secs(43_200)),
            ("\"43200\"", Duration::from_secs(43_200)),
            ("\" 60 \"", Duration::from_secs(60)),
            ("0.5", Duration::from_millis(500)),
            ("0", Duration::ZERO),
            ("-1", Duration::ZERO),
            ("-1e308", Duration::ZERO),
            ("1e308", Duration::MAX),
            ("18446744073709551615", Duration::MAX),
            ("\"inf\"", Duration::MAX),
            ("\"-inf\"", Duration::ZERO),
            ("\"NaN\"", ASSUMED_LIFETIME),
            ("\"soon\"", ASSUMED_LIFETIME),
            ("null", ASSUMED_LIFETIME),
            ("{}", ASSUMED_LIFETIME),
        ] {
            assert_eq!(
                with_expires_in(token(), &json(text)).expiry(),
                Expiry::In(lifetime),
                "{text}"
            );
        }
    }
}
