//! The value of a variable or of a file as a credential.

use crate::credential::{Credential, Scheme};
use crate::error::ProviderError;

/// The credential in `text`, without white space around it. `holder` names the variable or the file
/// in the error.
pub(crate) fn credential(
    holder: &str,
    scheme: Scheme,
    text: &str,
) -> Result<Credential, ProviderError> {
    let text = text.trim();
    let credential = match scheme {
        Scheme::ApiKey => Credential::api_key(text),
        Scheme::Bearer => Credential::iam_token(text),
    };
    credential.map_err(|error| ProviderError::permanent(format!("{holder} holds an {error}")))
}

/// `t1.`, or another digit: Yandex Cloud says that a new format of tokens would change it.
pub(crate) fn looks_like_iam_token(text: &str) -> bool {
    matches!(text.as_bytes(), [b't', b'0'..=b'9', b'.', ..])
}

pub(crate) fn looks_like_oauth_token(text: &str) -> bool {
    matches!(text.as_bytes(), [b'y', b'0'..=b'3', b'_', ..])
}

/// The first characters of API keys so far. They are not documented as stable, so this is good for
/// a hint only.
#[cfg(any(
    feature = "file",
    all(feature = "service-account", feature = "metadata")
))]
pub(crate) fn looks_like_api_key(text: &str) -> bool {
    text.starts_with("AQVN")
}
