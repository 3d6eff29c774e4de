//! Why an exchange returned no token.

use std::borrow::Cow;

use http::StatusCode;
use serde::Deserialize;

use super::error_response::ErrorResponse;
use crate::error::ProviderError;
use crate::transport::Response;

/// The three ways in which an exchange fails.
pub(crate) enum ExchangeError {
    /// A success response without a valid token.
    InvalidResponse(Cow<'static, str>),
    /// No response arrived.
    NoResponse(ProviderError),
    /// An error response.
    Rejected(Box<ErrorResponse>),
}

impl ExchangeError {
    /// The error for the user. `hint` says what to do about an error response of this status.
    pub(crate) fn with_hint<H: Into<Cow<'static, str>>>(
        self,
        hint: impl FnOnce(StatusCode) -> Option<H>,
    ) -> ProviderError {
        match self {
            // A proxy or a captive portal may have replaced the response.
            Self::InvalidResponse(reason) => ProviderError::transient(reason),
            Self::NoResponse(error) => error,
            Self::Rejected(response) => {
                let hint = hint(response.status);
                response.into_error(hint.map(Into::into))
            }
        }
    }
}

/// The body of a success response. `sent` is the secret in the request, which no error may show.
pub(crate) fn success_body<'a, T: Deserialize<'a>>(
    response: &'a Response,
    sent: &str,
) -> Result<T, ExchangeError> {
    if !response.status.is_success() {
        return Err(ExchangeError::Rejected(Box::new(ErrorResponse::new(
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
        format!("the response of {} is not usable: {reason}", response.url).into(),
    )
}

/// The JSON object. The error has only the position: the text of `serde_json` quotes the input.
pub(crate) fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, String> {
    // A derived `Deserialize` would take an array for a struct too.
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err("it is not a JSON object".into());
    }
    serde_json::from_slice(json).map_err(|error| {
        format!(
            "it is not the expected JSON (at line {}, column {})",
            error.line(),
            error.column()
        )
    })
}
