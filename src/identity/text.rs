//! Text found in a variable or a file, as a credential.

use crate::credential::{Credential, Scheme};
use crate::error::ProviderError;

/// The credential that `text` is, white space around it aside. `holder` is where it was found, for
/// the error.
pub(super) fn credential(
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

/// `t1.`, or another number: it is there that IAM says a new format would show.
pub(super) fn looks_like_iam_token(text: &str) -> bool {
    matches!(text.as_bytes(), [b't', b'0'..=b'9', b'.', ..])
}

pub(super) fn looks_like_oauth_token(text: &str) -> bool {
    matches!(text.as_bytes(), [b'y', b'0'..=b'3', b'_', ..])
}

/// What keys made so far begin with. No promise of Yandex Cloud's, so good for a hint only.
#[cfg(feature = "file")]
pub(super) fn looks_like_api_key(text: &str) -> bool {
    text.starts_with("AQVN")
}
