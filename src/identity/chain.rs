//! Several providers, of which the first configured one wins.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::{CredentialProvider, ErasedProvider, short_type_name};

/// Several providers in order, of which the first configured one wins.
///
/// A fetch continues with the next provider only if one is "not configured". If a provider is
/// configured and fails, its error is the error of the chain: a service must not run with another
/// identity because its own key file is broken. If none is configured, the error lists the reason
/// of each.
///
/// Each fetch starts with the first provider, so a key file that appears later takes over. A
/// provider that has returned a credential before and is unavailable now should therefore return a
/// transient error; the providers of this crate do.
///
/// # Clone
///
/// Clones share their providers.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{Chain, Credential, CredentialProvider, EnvCredential};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let nothing_set = EnvCredential::with_lookup(|_| None);
/// let chain = Chain::new().or(nothing_set).or(Credential::iam_token("t1.abc")?);
/// assert_eq!(chain.fetch().await?.header_value(), "Bearer t1.abc");
///
/// for (provider, outcome) in chain.diagnose().await {
///     match outcome {
///         Ok(credential) => println!("{provider}: {}", credential.fingerprint()),
///         Err(reason) => println!("{provider}: {reason}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Chain {
    links: Vec<Link>,
}

#[derive(Clone)]
struct Link {
    name: &'static str,
    provider: Arc<dyn ErasedProvider>,
}

impl Chain {
    /// A chain without providers. [`or`](Self::or) adds them.
    #[expect(
        clippy::new_without_default,
        reason = "a chain without providers is never what a caller wants by default"
    )]
    pub const fn new() -> Self {
        Self { links: Vec::new() }
    }

    /// Adds `provider`, which is used if none before it is configured.
    #[must_use]
    pub fn or<P: CredentialProvider>(self, provider: P) -> Self {
        self.or_named(short_type_name::<P>(), provider)
    }

    /// [`or`](Self::or), with a name that says more than the type of the provider.
    pub(super) fn or_named(
        mut self,
        name: &'static str,
        provider: impl CredentialProvider,
    ) -> Self {
        self.links.push(Link {
            name,
            provider: Arc::new(provider),
        });
        self
    }

    /// Fetches once, and returns the outcome of each provider that was called, with the name of its
    /// type for a person to read.
    ///
    /// All outcomes but the last are errors that say why that provider is not configured. The last
    /// one is the outcome of the chain. The providers after it were not called.
    ///
    /// # Cancel safety
    ///
    /// The chain keeps no state between calls, so the future can be dropped at any time.
    pub async fn diagnose(&self) -> Vec<(&'static str, Result<Credential, ProviderError>)> {
        let mut outcomes = Vec::with_capacity(self.links.len());
        for link in &self.links {
            let outcome = Arc::clone(&link.provider).fetch_erased().await;
            let is_configured = !matches!(&outcome, Err(error) if error.is_not_configured());
            outcomes.push((link.name, outcome));
            if is_configured {
                break;
            }
        }
        outcomes
    }
}

impl CredentialProvider for Chain {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let mut reasons = Vec::new();
        for (_, outcome) in self.diagnose().await {
            match outcome {
                Err(error) if error.is_not_configured() => reasons.push(error),
                outcome => return outcome,
            }
        }
        Err(none_configured(reasons))
    }

    /// True if all of its providers are static. Any other may be configured, or return another
    /// credential, at the next fetch.
    fn is_static(&self) -> bool {
        self.links
            .iter()
            .all(|link| link.provider.is_static_erased())
    }

    fn name(&self) -> Cow<'static, str> {
        let names: Vec<_> = self
            .links
            .iter()
            .map(|link| link.provider.name_erased())
            .collect();
        format!("chain of {}", names.join(", ")).into()
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chain ")?;
        f.debug_list()
            .entries(self.links.iter().map(|link| link.name))
            .finish()
    }
}

/// A provider without a name in its error is named by its position, counted from 1.
fn none_configured(reasons: Vec<ProviderError>) -> ProviderError {
    if reasons.is_empty() {
        return ProviderError::not_configured("the chain has no providers");
    }
    let reasons = (1..)
        .zip(reasons)
        .map(|(n, error)| error.with_provider(format!("provider {n}")).to_string());
    ProviderError::not_configured(format!(
        "no source of credentials is configured: {}",
        reasons.collect::<Vec<_>>().join("; ")
    ))
}
