//! An answer that says no: what of it may be body, and whether asking again may help.

use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use serde_json::Value;

use crate::error::ProviderError;
use crate::redact;
use crate::transport::Response;

/// A refusal by IAM, the token exchange or the metadata service. Its body is never quoted, only the
/// fields known.
pub(crate) struct ErrorResponse {
    url: String,
    pub(crate) status: StatusCode,
    body: ErrorBody,
    retry_after: Option<Duration>,
    /// The server's time, where the local clock is wrong: perhaps it refused for that.
    pub(crate) server_time: Option<SystemTime>,
}

/// What a body says: a `google.rpc.Status`, or an OAuth error *(RFC 6749 §5.2)*, or nothing that is
/// understood.
#[derive(Default)]
struct ErrorBody {
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

impl ErrorResponse {
    /// Reads it. `sent` is the secret that was sent, which a body may echo.
    pub(crate) fn new(response: &Response, sent: &str) -> Self {
        let mut body = match &response.body {
            Ok(body) => ErrorBody::read(body, sent),
            Err(reason) => ErrorBody {
                message: Some(reason.to_string()),
                ..ErrorBody::default()
            },
        };
        let header = response
            .headers
            .get("x-request-id")
            .and_then(|value| value.to_str().ok());
        body.request_id = body
            .request_id
            .or_else(|| header.map(|id| redact::answer(id, sent)));
        Self {
            url: response.url.clone(),
            status: response.status,
            body,
            retry_after: response.retry_after(),
            server_time: response.server_time_if_ours_is_wrong(),
        }
    }

    /// Transient where time may heal it: overload, time-outs, and what went wrong on the other
    /// side.
    pub(crate) fn into_error(self, advice: Option<&'static str>) -> ProviderError {
        let retry_after = self.retry_after;
        let passes = matches!(self.status.as_u16(), 408 | 425 | 429 | 500..);
        let error = Advised {
            refusal: self,
            advice,
        };
        let error = if passes {
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
        write!(f, "{} answered {}", self.url, self.status)?;
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

/// A refusal and what to do about it.
struct Advised {
    refusal: ErrorResponse,
    advice: Option<&'static str>,
}

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.refusal, f)?;
        if self.refusal.server_time.is_some() {
            f.write_str("; the local clock is off by more than 30 s")?;
        }
        match self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Advised {}

impl ErrorBody {
    /// A gateway in between may answer anything: what is not understood is left out.
    fn read(body: &[u8], sent: &str) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let first = |names: [&str; 3]| {
            names
                .iter()
                .find_map(|name| plain(&body[*name]))
                .map(|text| redact::answer(&text, sent))
        };
        Self {
            code: first(["code", "error_code", "error"]),
            message: first(["message", "error_message", "error_description"]),
            request_id: request_id(&body["details"]).map(|id| redact::answer(id, sent)),
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

    fn refusal(status: u16, headers: &[(&str, &str)], body: &'static str) -> ErrorResponse {
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
    fn a_refusal_tells_code_message_and_request_id_and_nothing_else_of_the_body() {
        let id = ("x-request-id", "from-header");
        for (headers, body, text) in [
            (
                &[id][..],
                r#"{"code":16,"message":"Key 'k' was not found","canary":1,"details":[{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"r1"}]}"#,
                "https://iam/t answered 401 Unauthorized: Key 'k' was not found (code 16, request id r1)",
            ),
            (
                &[id],
                r#"{"code":16,"message":""}"#,
                "https://iam/t answered 401 Unauthorized (code 16, request id from-header)",
            ),
            (
                &[],
                r#"{"error":"invalid_grant","error_description":"no federation"}"#,
                "https://iam/t answered 401 Unauthorized: no federation (code invalid_grant)",
            ),
            (
                &[],
                r#"{"error_code":"UNAUTHORIZED","error_message":"no"}"#,
                "https://iam/t answered 401 Unauthorized: no (code UNAUTHORIZED)",
            ),
            (
                &[id],
                "<html>canary</html>",
                "https://iam/t answered 401 Unauthorized (request id from-header)",
            ),
            (&[], "", "https://iam/t answered 401 Unauthorized"),
            (&[], "[1]", "https://iam/t answered 401 Unauthorized"),
            (
                &[],
                r#"{"code":{"canary":1},"message":["canary"],"details":"canary"}"#,
                "https://iam/t answered 401 Unauthorized",
            ),
            (
                &[],
                r#"{"message":"you sent sesame"}"#,
                "https://iam/t answered 401 Unauthorized: you sent [secret]",
            ),
            (
                &[("content-encoding", "gzip")],
                "canary",
                "https://iam/t answered 401 Unauthorized: its body is encoded, which was not asked for",
            ),
        ] {
            let error = refusal(401, headers, body).into_error(None);
            assert_eq!(error.to_string(), text);
            assert!(
                !format!("{error:?} {:?}", std::error::Error::source(&error)).contains("canary")
            );
        }
    }

    #[test]
    fn a_body_nested_without_end_is_no_danger() {
        let body = "[".repeat(60_000).leak();
        assert_eq!(
            refusal(401, &[], body).to_string(),
            "https://iam/t answered 401 Unauthorized"
        );
    }

    #[test]
    fn four_hundreds_are_permanent_but_three_and_five_hundreds_are_transient() {
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
            let error = refusal(status, &[("retry-after", "7")], "").into_error(None);
            assert_eq!(
                (error.is_transient(), error.is_permanent()),
                (transient, !transient),
                "{status}"
            );
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        }
    }

    #[test]
    fn a_wrong_clock_and_advice_follow_the_refusal() {
        let error = refusal(401, &[("date", "Sun, 06 Nov 1994 08:49:37 GMT")], "")
            .into_error(Some("make a new key"));
        let text = "https://iam/t answered 401 Unauthorized; the local clock is off by more than 30 s; make a new key";
        assert_eq!(error.to_string(), text);
        let error = refusal(401, &[], "").into_error(Some("make a new key"));
        assert_eq!(
            error.to_string(),
            "https://iam/t answered 401 Unauthorized; make a new key"
        );
    }
}
