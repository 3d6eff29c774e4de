//! Why an exchange gave no token.

use std::borrow::Cow;

use http::StatusCode;
use serde::Deserialize;

use super::refusal::Refusal;
use crate::provider::ProviderError;
use crate::transport::Answer;

/// The three ways in which a question ends without a token.
pub(crate) enum Failure {
    /// An answer came that says yes and cannot be used.
    BadAnswer(Cow<'static, str>),
    /// No answer came.
    NoAnswer(ProviderError),
    /// An answer came that says no.
    Refused(Box<Refusal>),
}

impl Failure {
    /// The error for the user, with advice on what to do about a refusal.
    pub(crate) fn advise(
        self,
        advice: impl FnOnce(StatusCode) -> Option<&'static str>,
    ) -> ProviderError {
        match self {
            // Also a healthy server's answer can be broken on its way, by a proxy or a portal.
            Self::BadAnswer(reason) => ProviderError::transient(reason),
            Self::NoAnswer(error) => error,
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
    answer: &'a Answer,
    sent: &str,
) -> Result<T, Failure> {
    if !answer.status.is_success() {
        return Err(Failure::Refused(Box::new(Refusal::new(answer, sent))));
    }
    let body = answer
        .body
        .as_ref()
        .map_err(|reason| bad_answer(answer, reason))?;
    object(body).map_err(|reason| bad_answer(answer, &reason))
}

pub(crate) fn bad_answer(answer: &Answer, reason: &str) -> Failure {
    Failure::BadAnswer(format!("the answer of {} is not usable: {reason}", answer.url).into())
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
