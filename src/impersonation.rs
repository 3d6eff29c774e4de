//! A service account, by another identity that may impersonate it.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;

use crate::cache::CredentialCache;
use crate::credential::{Credential, Scheme};
use crate::error::ProviderError;
use crate::exchange::{ExchangeError, iam};
use crate::identity::shared::network::network_setters;
use crate::policy::Region;
use crate::provider::CredentialProvider;
use crate::redact;
use crate::transport::Client;

const NAME: &str = "impersonation";

/// A service account, by another identity that may impersonate it.
///
/// Each fetch exchanges the IAM token of that identity, the source, for one of the service account.
/// The source needs the role `iam.serviceAccounts.tokenCreator` on the account or its folder
/// *(Yandex Cloud, "Impersonation")*. Its token is cached here, separately from the token of the
/// service account.
///
/// If IAM rejects the token of the source with 401, the cache of the source drops it, and the
/// exchange is retried once with a new one.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{Credential, Impersonation};
///
/// let source = Credential::iam_token("t1.9euelZ")?;
/// let provider = Impersonation::new(source, "aje0example");
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
pub struct Impersonation {
    source: CredentialCache,
    service_account_id: String,
    client: Client,
}

impl Impersonation {
    /// Exchanges the token that `source` fetches.
    pub fn new(source: impl CredentialProvider, service_account_id: impl Into<String>) -> Self {
        Self::from_cache(CredentialCache::new(source), service_account_id)
    }

    /// Exchanges the token of this cache, which may have other users too.
    ///
    /// The cache must not be the one that this provider fetches for: each would wait for the other
    /// until its fetch timeout.
    ///
    /// # Examples
    ///
    /// A client of each identity. The token of the source is fetched once for both:
    ///
    /// ```
    /// use yandex_cloud_auth::{AuthLayer, Credential, CredentialCache, Impersonation};
    ///
    /// let source = CredentialCache::new(Credential::iam_token("t1.9euelZ")?);
    /// let own = AuthLayer::from_cache(source.clone());
    /// let impersonated = AuthLayer::new(Impersonation::from_cache(source, "aje0example"));
    /// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
    /// ```
    pub fn from_cache(source: CredentialCache, service_account_id: impl Into<String>) -> Self {
        Self {
            source,
            service_account_id: service_account_id.into(),
            client: Client::new(iam::ENDPOINT),
        }
    }

    /// Sets the region, from which the endpoint of IAM follows. Default: [`Region::russia`].
    ///
    /// The source keeps its own region. Of this setter and [`with_endpoint`](Self::with_endpoint), the
    /// last one counts.
    #[must_use]
    pub fn with_region(self, region: &Region) -> Self {
        self.with_endpoint(region.iam_endpoint())
    }

    async fn exchange(&self) -> Result<Credential, ProviderError> {
        let token = self.source_token().await?;
        let mut outcome = self.create_token(&token).await;
        if is_unauthorized(&outcome) && self.source.invalidate(&token) {
            outcome = self.create_token(&self.source_token().await?).await;
        }
        outcome.map_err(|error| error.with_hint(hint))
    }

    async fn create_token(&self, source_token: &Credential) -> Result<Credential, ExchangeError> {
        iam::create_token_for(&self.client, source_token, &self.service_account_id).await
    }

    async fn source_token(&self) -> Result<Credential, ProviderError> {
        let token = self.source.get().await?;
        match token.scheme() {
            Scheme::Bearer => Ok(token),
            _ => Err(ProviderError::permanent(
                "the source returned an API key, but IAM accepts only an IAM token here",
            )),
        }
    }
}

network_setters!(Impersonation);

impl CredentialProvider for Impersonation {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        self.exchange()
            .await
            .map_err(|error| error.with_provider(NAME))
    }

    fn name(&self) -> Cow<'static, str> {
        self.client.name_of(NAME)
    }
}

impl fmt::Debug for Impersonation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Impersonation")
            .field("source", &self.source)
            .field(
                "service_account_id",
                &redact::setting(&self.service_account_id),
            )
            .field("client", &self.client)
            .finish()
    }
}

fn is_unauthorized(outcome: &Result<Credential, ExchangeError>) -> bool {
    matches!(outcome, Err(ExchangeError::Rejected(response)) if response.status == StatusCode::UNAUTHORIZED)
}

fn hint(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::UNAUTHORIZED => Some("IAM does not accept the token of the source"),
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Some(
            "check the id of the service account, and that the source has the role `iam.serviceAccounts.tokenCreator` on it",
        ),
        _ => None,
    }
}
