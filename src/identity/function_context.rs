//! The identity of a cloud function, from the context of its handler.

use crate::credential::Credential;
use crate::error::ProviderError;
use crate::exchange::access_token::AccessToken;
use crate::exchange::object;

impl Credential {
    /// The token in the context of a Cloud Functions handler:
    /// `{"access_token":"t1.…","expires_in":43200,"token_type":"Bearer"}`.
    ///
    /// `json` is that object, `context.token` in other languages, not the whole context. Its
    /// lifetime counts from when a cache receives it, and is 15 minutes if none is stated. The
    /// version of the function must have a service account.
    /// [`MetadataService`](crate::MetadataService) works in functions too, and can be renewed.
    /// *(Yandex Cloud, "Getting an IAM token for a function's service account")*
    ///
    /// # Errors
    ///
    /// Permanent if the text is not such an object. The error says why, and contains nothing of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use yandex_cloud_auth::{Credential, Scheme};
    ///
    /// let token = r#"{"access_token":"t1.9euelZ","expires_in":43200,"token_type":"Bearer"}"#;
    /// let credential = Credential::from_function_context(token)?;
    /// assert_eq!(credential.scheme(), Scheme::Bearer);
    /// # Ok::<(), yandex_cloud_auth::ProviderError>(())
    /// ```
    pub fn from_function_context(json: impl AsRef<str>) -> Result<Self, ProviderError> {
        object::<AccessToken<'_>>(json.as_ref().as_bytes())
            .and_then(AccessToken::into_credential)
            .map_err(|reason| ProviderError::permanent(reason).with_provider("function context"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::credential::Expiry;

    #[test]
    fn token_has_lifetime_of_context() {
        let credential =
            Credential::from_function_context(r#"{"access_token":"t1.a","expires_in":60}"#)
                .unwrap();
        assert_eq!(credential.expiry(), Expiry::In(Duration::from_secs(60)));
        assert_eq!(credential.header_value(), "Bearer t1.a");
    }

    #[test]
    fn other_text_is_permanent_and_not_shown() {
        for (json, reason) in [
            ("canary", "it is not a JSON object"),
            ("[\"canary\"]", "it is not a JSON object"),
            (
                r#"{"access_token":["canary"]}"#,
                "it is not the expected JSON (at line 1, column 16)",
            ),
            (
                r#"{"token":"canary"}"#,
                "`access_token`: invalid credential: it is empty",
            ),
            (
                r#"{"access_token":"canary","token_type":"canary"}"#,
                "`token_type` is not Bearer",
            ),
        ] {
            let error = Credential::from_function_context(json).unwrap_err();
            assert!(error.is_permanent());
            assert_eq!(error.to_string(), format!("function context: {reason}"));
        }
    }
}
