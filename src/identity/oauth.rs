//! A Yandex account, by its OAuth token.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use zeroize::Zeroizing;

use super::shared::network::network_setters;
use crate::credential::{Credential, InvalidCredential, check_oauth_token};
use crate::error::ProviderError;
use crate::exchange::iam;
use crate::policy::Region;
use crate::provider::CredentialProvider;
use crate::transport::Client;

const NAME: &str = "OAuth token";

/// A Yandex account's OAuth token (`y0_…`), exchanged for an IAM token.
///
/// **Deprecated by Yandex.** IAM accepts no OAuth token issued on 2026-06-01 or later. Older ones
/// work until they expire, 12 months after they were issued, and Yandex's own SDKs announce the end
/// of support for the end of 2026. Programs should use a service account
/// ([`ServiceAccountKey`](crate::ServiceAccountKey)), and people can use the log-in of the CLI
/// ([`YcCli`](crate::YcCli)). *(Yandex Cloud, "OAuth token")*
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
    /// The account with this OAuth token. White space is not trimmed.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] if the text is not a token, is an IAM token or an API key, or is longer
    /// than the 4000 characters that IAM accepts. It says what is wrong and where, and does not
    /// contain the token.
    pub fn new(token: impl AsRef<str>) -> Result<Self, InvalidCredential> {
        check_oauth_token(token.as_ref())?;
        Ok(Self {
            token: Zeroizing::new(token.as_ref().into()),
            client: Client::new(iam::ENDPOINT),
        })
    }

    /// Sets the region, from which the endpoint of IAM follows. Default: [`Region::russia`].
    ///
    /// Of this setter and [`with_endpoint`](Self::with_endpoint), the last one counts.
    #[must_use]
    pub fn with_region(self, region: &Region) -> Self {
        self.with_endpoint(region.iam_endpoint())
    }
}

network_setters!(OAuthToken);

impl CredentialProvider for OAuthToken {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        iam::create_token(&self.client, "yandexPassportOauthToken", &self.token)
            .await
            .map_err(|error| error.with_hint(hint).with_provider(NAME))
    }

    fn name(&self) -> Cow<'static, str> {
        self.client.name_of(NAME)
    }
}

impl fmt::Debug for OAuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthToken")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

fn hint(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(
            "IAM accepts no OAuth tokens issued from 2026-06-01 on, and older ones until they expire: \
             use a service account's key, or the log-in of the `yc` CLI",
        ),
        _ => None,
    }
}
