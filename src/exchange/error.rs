//! Why an exchange gave no token.

use std::borrow::Cow;

use http::StatusCode;
use serde::Deserialize;

use super::error_response::ErrorResponse;
use crate::error::ProviderError;
use crate::transport::Response;

/// The three ways in which a question ends without a token.
pub(crate) enum ExchangeError {
    /// An answer came that says yes and cannot be used.
    InvalidResponse(Cow<'static, str>),
    /// No answer came.
    NoResponse(ProviderError),
    /// An answer came that says no.
    Refused(Box<ErrorResponse>),
}

impl ExchangeError {
    /// The error for the user, with advice on what to do about a refusal.
    pub(crate) fn with_hint(
        self,
        advice: impl FnOnce(StatusCode) -> Option<&'static str>,
    ) -> ProviderError {
        match self {
            // Also a healthy server's answer can be broken on its way, by a proxy or a portal.
            Self::InvalidResponse(reason) => ProviderError::transient(reason),
            Self::NoResponse(error) => error,
            Self::Refused(refusal) => {
                let advice = advice(refusal.status);
                refusal.into_error(advice)
            }
        }
    }
}

/// The body of an answer that says yes. `sent` is the secret that was sent, which no error may
/// show.
pub(crate) fn accepted<'a, T: Deserialize<'a>>(
    response: &'a Response,
    sent: &str,
) -> Result<T, ExchangeError> {
    if !response.status.is_success() {
        return Err(ExchangeError::Refused(Box::new(ErrorResponse::new(
            response, sent,
        ))));
    }
    let body = response
        .body
        .as_ref()
        .map_err(|reason| invalid_response(response, reason))?;
    object(body).map_err(|reason| invalid_response(response, &reason))
}

pub(crate) fn invalid_response(response: &Response, reason: &str) -> ExchangeError {
    ExchangeError::InvalidResponse(
        format!("the answer of {} is not usable: {reason}", response.url).into(),
    )
}

/// The JSON object. The error tells where it is wrong: `serde_json`'s own text quotes what it met.
pub(crate) fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, String> {
    // A derived `Deserialize` would take an array for a struct too.
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err("it is not a JSON object".into());
    }
    serde_json::from_slice(json).map_err(|error| {
        format!(
            "it is not the JSON expected (at line {}, column {})",
            error.line(),
            error.column()
        )
    })
}
