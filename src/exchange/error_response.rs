//! An error response: which of its fields an error shows, and whether it is transient.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use serde_json::Value;

use crate::error::ProviderError;
use crate::redact;
use crate::transport::Response;

/// An error response of IAM, the token exchange or the metadata service. Its body is never quoted,
/// only its known fields.
pub(crate) struct ErrorResponse {
    url: String,
    pub(crate) status: StatusCode,
    body: ErrorBody,
    retry_after: Option<Duration>,
    /// The time of the server, if the local clock is wrong, which may be why the request failed.
    pub(crate) server_time: Option<SystemTime>,
}

/// The known fields of a body: a `google.rpc.Status`, an OAuth error *(RFC 6749 §5.2)*, or none.
#[derive(Default)]
struct ErrorBody {
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

impl ErrorResponse {
    /// Reads the response. `sent` is the secret in the request, which a body may echo.
    pub(crate) fn new(response: &Response, sent: &str) -> Self {
        let mut body = match &response.body {
            Ok(body) => ErrorBody::read(body, sent),
            Err(reason) => ErrorBody {
                // The host of a redirect comes from the server.
                message: Some(redact::response_field(reason, sent)),
                ..ErrorBody::default()
            },
        };
        let header = response
            .headers
            .get("x-request-id")
            .and_then(|value| value.to_str().ok());
        body.request_id = body
            .request_id
            .or_else(|| header.map(|id| redact::response_field(id, sent)));
        Self {
            url: response.url.clone(),
            status: response.status,
            body,
            retry_after: response.retry_after(),
            server_time: response.server_time_if_clock_is_wrong(),
        }
    }

    /// Transient for overload, timeouts and errors of the server; permanent otherwise.
    pub(crate) fn into_error(self, hint: Option<Cow<'static, str>>) -> ProviderError {
        let retry_after = self.retry_after;
        let is_transient = matches!(self.status.as_u16(), 408 | 425 | 429 | 500..);
        let error = WithHint {
            response: self,
            hint,
        };
        let error = if is_transient {
            ProviderError::transient(error)
        } else {
            ProviderError::permanent(error)
        };
        match retry_after {
            Some(delay) => error.with_retry_after(delay),
            None => error,
        }
    }
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} responded with {}", self.url, self.status)?;
        if let Some(message) = &self.body.message {
            write!(f, ": {message}")?;
        }
        match (&self.body.code, &self.body.request_id) {
            (Some(code), Some(id)) => write!(f, " (code {code}, request id {id})"),
            (Some(code), None) => write!(f, " (code {code})"),
            (None, Some(id)) => write!(f, " (request id {id})"),
            (None, None) => Ok(()),
        }
    }
}

/// An error response and what to do about it.
struct WithHint {
    response: ErrorResponse,
    hint: Option<Cow<'static, str>>,
}

impl fmt::Display for WithHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.response, f)?;
        if self.response.server_time.is_some() {
            f.write_str("; the local clock is off by more than 30 s")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for WithHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for WithHint {}

impl ErrorBody {
    /// A gateway in between may send any body, so unknown fields are ignored.
    fn read(body: &[u8], sent: &str) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let first = |names: [&str; 3]| {
            names
                .iter()
                .find_map(|name| plain(&body[*name]))
                .map(|text| redact::response_field(&text, sent))
        };
        Self {
            code: first(["code", "error_code", "error"]),
            message: first(["message", "error_message", "error_description"]),
            request_id: request_id(&body["details"]).map(|id| redact::response_field(id, sent)),
        }
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn request_id(details: &Value) -> Option<&str> {
    let of_type = |detail: &&Value| {
        detail["@type"]
            .as_str()
            .is_some_and(|name| name.ends_with("google.rpc.RequestInfo"))
    };
    details.as_array()?.iter().find(of_type)?["requestId"].as_str()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::FutureExt;
    use http_body_util::Full;

    use super::*;

    fn error_response(status: u16, headers: &[(&str, &str)], body: &'static str) -> ErrorResponse {
        let mut response = http::Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body(Full::new(Bytes::from(body))).unwrap();
        ErrorResponse::new(
            &Response::read("https://iam/t".into(), response)
                .now_or_never()
                .unwrap(),
            "sesame",
        )
    }

    #[test]
    fn error_shows_only_known_fields() {
        let id = ("x-request-id", "from-header");
        for (headers, body, text) in [
            (
                &[id][..],
                r#"{"code":16,"message":"Key 'k' was not found","canary":1,"details":[{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"r1"}]}"#,
                "https://iam/t responded with 401 Unauthorized: Key 'k' was not found (code 16, request id r1)",
            ),
            (
                &[id],
                r#"{"code":16,"message":""}"#,
                "https://iam/t responded with 401 Unauthorized (code 16, request id from-header)",
            ),
            (
                &[],
                r#"{"error":"invalid_grant","error_description":"no federation"}"#,
                "https://iam/t responded with 401 Unauthorized: no federation (code invalid_grant)",
            ),
            (
                &[],
                r#"{"error_code":"UNAUTHORIZED","error_message":"no"}"#,
                "https://iam/t responded with 401 Unauthorized: no (code UNAUTHORIZED)",
            ),
            (
                &[id],
                "<html>canary</html>",
                "https://iam/t responded with 401 Unauthorized (request id from-header)",
            ),
            (&[], "", "https://iam/t responded with 401 Unauthorized"),
            (&[], "[1]", "https://iam/t responded with 401 Unauthorized"),
            (
                &[],
                r#"{"code":{"canary":1},"message":["canary"],"details":"canary"}"#,
                "https://iam/t responded with 401 Unauthorized",
            ),
            (
                &[],
                r#"{"message":"you sent sesame"}"#,
                "https://iam/t responded with 401 Unauthorized: you sent [secret]",
            ),
            (
                &[("content-encoding", "gzip")],
                "canary",
                "https://iam/t responded with 401 Unauthorized: its body is encoded, which was not requested",
            ),
        ] {
            let error = error_response(401, headers, body).into_error(None);
            assert_eq!(error.to_string(), text);
            assert!(
                !format!("{error:?} {:?}", std::error::Error::source(&error)).contains("canary")
            );
        }
    }

    #[test]
    fn deeply_nested_body_is_ignored() {
        let body = "[".repeat(60_000).leak();
        assert_eq!(
            error_response(401, &[], body).to_string(),
            "https://iam/t responded with 401 Unauthorized"
        );
    }

    #[test]
    fn status_decides_whether_error_is_transient() {
        for (status, transient) in [
            (302, false),
            (400, false),
            (401, false),
            (403, false),
            (404, false),
            (408, true),
            (425, true),
            (429, true),
            (499, false),
            (500, true),
            (503, true),
            (599, true),
        ] {
            let error = error_response(status, &[("retry-after", "7")], "").into_error(None);
            assert_eq!(
                (error.is_transient(), error.is_permanent()),
                (transient, !transient),
                "{status}"
            );
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        }
    }

    #[test]
    fn clock_error_and_hint_follow_response() {
        let error = error_response(401, &[("date", "Sun, 06 Nov 1994 08:49:37 GMT")], "")
            .into_error(Some("make a new key".into()));
        let text = "https://iam/t responded with 401 Unauthorized; the local clock is off by more than 30 s; make a new key";
        assert_eq!(error.to_string(), text);
        let error = error_response(401, &[], "").into_error(Some("make a new key".into()));
        assert_eq!(
            error.to_string(),
            "https://iam/t responded with 401 Unauthorized; make a new key"
        );
    }
}
