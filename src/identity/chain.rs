//! Several sources, the first one configured wins.

use std::any;
use std::fmt;
use std::sync::Arc;

use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::{CredentialProvider, ErasedProvider};

/// Several providers, asked in order: the first that is configured here wins.
///
/// Only "not configured" leads on to the next. A provider that is configured and fails ends the
/// walk, and its error is the chain's: a service must not run as somebody else because its own key
/// file is broken. Where none is configured, the error lists every provider's reason.
///
/// Each fetch walks from the start, so a key file that appears later takes over. A provider that
/// has answered once and cannot now should therefore not say that it is not configured; the
/// providers of this crate that ask another machine or program or read a file do not.
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
///         Ok(credential) => println!("{provider} answered: {}", credential.fingerprint()),
///         Err(reason) => println!("{provider} was passed over: {reason}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Chain {
    links: Vec<Link>,
}

#[derive(Clone)]
struct Link {
    name: &'static str,
    provider: Arc<dyn ErasedProvider>,
}

impl Chain {
    /// A chain without providers, to which [`or`](Self::or) adds them.
    pub const fn new() -> Self {
        Self { links: Vec::new() }
    }

    /// Asks `provider` where none before it is configured.
    #[must_use]
    pub fn or<P: CredentialProvider>(self, provider: P) -> Self {
        self.or_named(short_type_name::<P>(), provider)
    }

    /// [`or`](Self::or), for a provider whose type says less than this name.
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

    /// Fetches once, and tells what each provider asked had to say: its type's name, for a person
    /// to read, and the outcome.
    ///
    /// All but the last were passed over, as not configured. The last one decided, and those after
    /// it were not asked.
    ///
    /// # Cancel safety
    ///
    /// The chain keeps nothing between calls, so a dropped one is as if it had not been made.
    pub async fn diagnose(&self) -> Vec<(&'static str, Result<Credential, ProviderError>)> {
        let mut outcomes = Vec::with_capacity(self.links.len());
        for link in &self.links {
            let outcome = Arc::clone(&link.provider).fetch_erased().await;
            let passed_over = matches!(&outcome, Err(error) if error.is_not_configured());
            outcomes.push((link.name, outcome));
            if !passed_over {
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
                decided => return decided,
            }
        }
        Err(none_configured(reasons))
    }

    /// True where all of its providers are static: any other may be configured, or answer
    /// otherwise, the next time.
    fn is_static(&self) -> bool {
        self.links
            .iter()
            .all(|link| link.provider.is_static_erased())
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

/// A provider that did not name itself goes by its position, counted from 1.
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

/// The type's name without its path, its parameters, and an `Arc` around it.
fn short_type_name<T: ?Sized>() -> &'static str {
    shorten(any::type_name::<T>())
}

fn shorten(mut name: &str) -> &str {
    while let Some(inner) = name.strip_prefix("alloc::sync::Arc<") {
        name = inner;
    }
    let path = name.split(['<', '>']).next().unwrap_or(name);
    match path.rsplit("::").next() {
        Some("{{closure}}") => "closure",
        Some(last) => last,
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_type_s_without_path_parameters_and_arc() {
        for (name, short) in [
            ("yandex_cloud_auth::credential::Credential", "Credential"),
            (
                "alloc::sync::Arc<alloc::sync::Arc<my::vault::Vault>>",
                "Vault",
            ),
            ("my::Vault<my::http::Client<u8>>", "Vault"),
            ("my::main::{{closure}}", "closure"),
            ("my::ask_vault", "ask_vault"),
            ("", ""),
        ] {
            assert_eq!(shorten(name), short);
        }
    }
}
