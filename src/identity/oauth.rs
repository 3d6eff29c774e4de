//! A Yandex account, by its OAuth token.

use std::fmt;

use http::StatusCode;
use zeroize::Zeroizing;

use super::network::network_setters;
use crate::credential::{Credential, InvalidCredential};
use crate::error::ProviderError;
use crate::exchange::iam;
use crate::provider::CredentialProvider;
use crate::transport::Client;

const NAME: &str = "OAuth token";

/// The most that IAM's `Create` takes *(Yandex Cloud, "IamTokenService")*.
const MAX_LEN: usize = 4000;

/// A Yandex account's OAuth token (`y0_…`), exchanged for an IAM token.
///
/// **Deprecated by Yandex.** IAM accepts no OAuth token issued on 2026-06-01 or later. Older ones
/// work until they expire, 12 months after they were issued, and Yandex's own SDKs announce the end
/// of support for the end of 2026. Programs should be a service account
/// ([`ServiceAccountKey`](crate::ServiceAccountKey)), and people can use the CLI's login
/// ([`YcCli`](crate::YcCli)). *(Yandex Cloud, "OAuth token")*
///
/// A token longer than the 4000 characters that IAM takes is a permanent error of each fetch, and
/// is not sent.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::OAuthToken;
///
/// let provider = OAuthToken::new("y0_AgAAAAA")?;
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
pub struct OAuthToken {
    token: Zeroizing<Box<str>>,
    client: Client,
}

impl OAuthToken {
    /// The account whose OAuth token this is. White space is not trimmed.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] where the text is no token. It says what is wrong and where, never the
    /// token.
    pub fn new(token: impl AsRef<str>) -> Result<Self, InvalidCredential> {
        Credential::iam_token(&token)?;
        Ok(Self {
            token: Zeroizing::new(token.as_ref().into()),
            client: Client::new(iam::ENDPOINT),
        })
    }
}

network_setters!(OAuthToken);

impl CredentialProvider for OAuthToken {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        if self.token.len() > MAX_LEN {
            let reason = format!("it is longer than the {MAX_LEN} characters that IAM takes");
            return Err(ProviderError::permanent(reason).with_provider(NAME));
        }
        iam::create_token(&self.client, "yandexPassportOauthToken", &self.token)
            .await
            .map_err(|failure| failure.with_hint(advice).with_provider(NAME))
    }
}

impl fmt::Debug for OAuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthToken")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

fn advice(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(
            "IAM accepts no OAuth tokens issued from 2026-06-01 on, and older ones until they expire: \
             use a service account's key, or the login of the `yc` CLI",
        ),
        _ => None,
    }
}
