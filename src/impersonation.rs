//! One identity, acting as a service account.

use http::StatusCode;

use crate::cache::CredentialCache;
use crate::credential::{Credential, Scheme};
use crate::error::ProviderError;
use crate::exchange::{ExchangeError, iam};
use crate::identity::network::network_setters;
use crate::provider::CredentialProvider;
use crate::transport::Client;

const NAME: &str = "impersonation";

/// A service account, by another identity that may act as it.
///
/// The source's IAM token is exchanged for one of the service account. The source needs the role
/// `iam.serviceAccounts.tokenCreator` on the account or its folder *(Yandex Cloud,
/// "Impersonation")*. The source has a cache of its own in here, so it is asked as rarely as it
/// would be elsewhere, and never through the layer that this provider feeds.
///
/// Where IAM refuses the source's token with 401, that token is dropped from the source's cache,
/// and a new one is tried once.
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
#[derive(Debug)]
pub struct Impersonation {
    source: CredentialCache,
    service_account_id: String,
    client: Client,
}

impl Impersonation {
    /// Acts as the service account by what `source` fetches.
    pub fn new(source: impl CredentialProvider, service_account_id: impl Into<String>) -> Self {
        Self::from_cache(CredentialCache::new(source), service_account_id)
    }

    /// Acts as the service account by what this cache holds, which others may use too.
    pub fn from_cache(source: CredentialCache, service_account_id: impl Into<String>) -> Self {
        Self {
            source,
            service_account_id: service_account_id.into(),
            client: Client::new(iam::ENDPOINT),
        }
    }

    async fn ask(&self) -> Result<Credential, ProviderError> {
        let caller = self.caller().await?;
        let mut outcome =
            iam::create_token_for(&self.client, &caller, &self.service_account_id).await;
        if is_unauthorized(&outcome) && self.source.invalidate(&caller) {
            let caller = self.caller().await?;
            outcome = iam::create_token_for(&self.client, &caller, &self.service_account_id).await;
        }
        outcome.map_err(|failure| failure.with_hint(advice))
    }

    async fn caller(&self) -> Result<Credential, ProviderError> {
        match self.source.get().await {
            Ok(caller) if caller.scheme() == Scheme::Bearer => Ok(caller),
            Ok(_) => Err(ProviderError::permanent(
                "the source gives an API key, where IAM takes an IAM token only",
            )),
            Err(error) => Err(error),
        }
    }
}

network_setters!(Impersonation);

impl CredentialProvider for Impersonation {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        self.ask().await.map_err(|error| error.with_provider(NAME))
    }
}

fn is_unauthorized(outcome: &Result<Credential, ExchangeError>) -> bool {
    matches!(outcome, Err(ExchangeError::Refused(refusal)) if refusal.status == StatusCode::UNAUTHORIZED)
}

fn advice(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::UNAUTHORIZED => Some("IAM does not accept the source's token"),
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Some(
            "check the service account's id, and that the source has the role `iam.serviceAccounts.tokenCreator` on it",
        ),
        _ => None,
    }
}
