//! A token or key in an environment variable.

use std::env::{self, VarError};
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::shared::text::{credential, looks_like_iam_token, looks_like_oauth_token};
use crate::credential::{Credential, Scheme};
use crate::error::ProviderError;
use crate::provider::CredentialProvider;

/// The variables whose names say what they hold, in the order they are read. Not `API_KEY`, which
/// programs use for keys of other vendors too.
const UNAMBIGUOUS: [(&str, Scheme); 2] = [
    ("YC_API_KEY", Scheme::ApiKey),
    ("YC_IAM_TOKEN", Scheme::Bearer),
];

/// Then these. Other clouds' tools put their tokens in the first, and tools of this cloud also OAuth
/// tokens in the second.
const AMBIGUOUS: [&str; 2] = ["IAM_TOKEN", "YC_TOKEN"];

type Lookup = dyn Fn(&str) -> Result<String, VarError> + Send + Sync;

/// A token or key in an environment variable.
///
/// The first that is set wins, in this order: `YC_API_KEY` (an API key), `YC_IAM_TOKEN` (an IAM
/// token), then `IAM_TOKEN` and `YC_TOKEN` if they look like an IAM token (`t1.…`): another cloud's
/// token or an OAuth token there is ignored. White space around a value is removed, and an empty
/// variable counts as unset.
///
/// The credential has no lifetime, since a variable states none. A cache uses it until a server
/// rejects it, then reads the variables again. An IAM token lives at most 12 hours, so a program
/// that runs longer needs another provider or an API key.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{CredentialProvider, EnvCredential, Scheme};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // `EnvCredential::new()` reads the process's own environment.
/// let provider = EnvCredential::with_lookup(|name| (name == "YC_API_KEY").then(|| "AQVNabc".into()));
/// assert_eq!(provider.fetch().await?.scheme(), Scheme::ApiKey);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EnvCredential {
    lookup: Arc<Lookup>,
}

impl EnvCredential {
    /// Reads the environment of this process, at each fetch.
    pub fn new() -> Self {
        Self {
            lookup: Arc::new(|name: &str| env::var(name)),
        }
    }

    /// Calls `lookup` for each variable instead of reading the environment. For tests, and for
    /// settings that are stored elsewhere.
    pub fn with_lookup(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self {
            lookup: Arc::new(move |name: &str| lookup(name).ok_or(VarError::NotPresent)),
        }
    }

    fn find(&self) -> Result<Credential, ProviderError> {
        for (name, scheme) in UNAMBIGUOUS {
            if let Some(value) = self.value(name)? {
                return credential(name, scheme, &value);
            }
        }
        let mut ignored = Vec::new();
        for name in AMBIGUOUS {
            match self.value(name)? {
                Some(value) if looks_like_iam_token(value.trim()) => {
                    return credential(name, Scheme::Bearer, &value);
                }
                Some(value) => ignored.push(why_ignored(name, value.trim())),
                None => {}
            }
        }
        Err(none_set(&ignored))
    }

    fn value(&self, name: &str) -> Result<Option<Zeroizing<String>>, ProviderError> {
        match (self.lookup)(name) {
            Ok(value) => Ok(Some(Zeroizing::new(value)).filter(|value| !value.trim().is_empty())),
            Err(VarError::NotPresent) => Ok(None),
            // The error contains the value, so it is dropped here.
            Err(VarError::NotUnicode(_)) => Err(ProviderError::permanent(format!(
                "{name} is not valid UTF-8"
            ))),
        }
    }
}

impl Default for EnvCredential {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for EnvCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvCredential").finish_non_exhaustive()
    }
}

impl CredentialProvider for EnvCredential {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        self.find()
            .map_err(|error| error.with_provider("environment"))
    }
}

fn why_ignored(name: &str, value: &str) -> String {
    if looks_like_oauth_token(value) {
        format!(
            "{name} holds an OAuth token: put an IAM token there, or exchange it with `OAuthToken`"
        )
    } else {
        format!("{name} does not look like an IAM token: if it is one, put it in YC_IAM_TOKEN")
    }
}

fn none_set(ignored: &[String]) -> ProviderError {
    let names = UNAMBIGUOUS.map(|(name, _)| name).join(", ");
    ProviderError::not_configured(if ignored.is_empty() {
        format!("none of {names}, {} is set", AMBIGUOUS.join(", "))
    } else {
        format!("none of {names} is set, and {}", ignored.join("; "))
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn env(variables: &[(&'static str, &'static str)]) -> EnvCredential {
        let variables = variables.to_vec();
        EnvCredential::with_lookup(move |name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn first_variable_set_decides_scheme() {
        let all = [
            ("YC_API_KEY", "a", "Api-Key a"),
            ("YC_IAM_TOKEN", "c", "Bearer c"),
            ("IAM_TOKEN", "t1.d", "Bearer t1.d"),
            ("YC_TOKEN", "t1.e", "Bearer t1.e"),
        ];
        let set = all.map(|(name, value, _)| (name, value));
        for (first, (_, _, header)) in all.iter().enumerate() {
            let credential = env(&set[first..]).find().unwrap();
            assert_eq!(credential.header_value(), header);
            assert_eq!(
                (credential.expires_at(), credential.max_age()),
                (None, None)
            );
        }
    }

    #[test]
    fn token_of_other_cloud_is_passed_over() {
        let other = ("IAM_TOKEN", "eyJhbGciOi.eyJzdWIi.c2ln");
        let token = env(&[other, ("YC_TOKEN", "t1.e")]).find().unwrap();
        assert_eq!(token.header_value(), "Bearer t1.e");
    }

    #[test]
    fn api_key_without_vendor_prefix_is_ignored() {
        let error = env(&[("API_KEY", "AQVNabc")]).find().unwrap_err();
        assert!(error.is_not_configured(), "{error}");
    }

    #[test]
    fn values_are_trimmed_and_empty_is_unset() {
        for (variables, header) in [
            (&[("YC_API_KEY", " a\r\n")][..], "Api-Key a"),
            (
                &[
                    ("YC_API_KEY", ""),
                    ("YC_IAM_TOKEN", " \n"),
                    ("IAM_TOKEN", "t1.d"),
                ],
                "Bearer t1.d",
            ),
            (&[("YC_TOKEN", "\tt2.e\n")], "Bearer t2.e"),
        ] {
            assert_eq!(env(variables).find().unwrap().header_value(), header);
        }
    }

    #[test]
    fn error_lists_variables_and_reason() {
        for (variables, reason) in [
            (&[][..], "YC_TOKEN is set"),
            (&[("YC_TOKEN", "  ")], "YC_TOKEN is set"),
            (
                &[("YC_TOKEN", "y0_canary")],
                "YC_TOKEN holds an OAuth token",
            ),
            (
                &[("YC_TOKEN", " y3_canary\n")],
                "YC_TOKEN holds an OAuth token",
            ),
            (
                &[("IAM_TOKEN", "Bearer eyJcanary")],
                "IAM_TOKEN does not look like an IAM token",
            ),
            (
                &[("IAM_TOKEN", "eyJcanary"), ("YC_TOKEN", "y0_canary")],
                "put it in YC_IAM_TOKEN; YC_TOKEN holds an OAuth token",
            ),
            (
                &[("YC_TOKEN", "canary")],
                "YC_TOKEN does not look like an IAM token",
            ),
            (
                &[("YC_TOKEN", "t1canary")],
                "YC_TOKEN does not look like an IAM token",
            ),
        ] {
            let error = env(variables).find().unwrap_err();
            let text = error.to_string();
            assert!(
                error.is_not_configured() && text.contains(reason) && !text.contains("canary"),
                "{text}"
            );
            for (name, _) in UNAMBIGUOUS {
                assert!(text.contains(name), "{text}");
            }
        }
    }

    #[test]
    fn invalid_value_is_permanent_and_not_shown() {
        for (variable, text) in [
            (
                ("YC_API_KEY", "can ary"),
                "YC_API_KEY holds an invalid credential: white space, trim it (at offset 3)",
            ),
            (
                ("YC_TOKEN", "t1.canary,"),
                "YC_TOKEN holds an invalid credential: a character",
            ),
        ] {
            let error = env(&[
                variable,
                (
                    "IAM_TOKEN",
                    if variable.0 == "YC_TOKEN" { "" } else { "good" },
                ),
            ])
            .find();
            let error = error.unwrap_err();
            assert!(
                error.is_permanent() && error.to_string().starts_with(text),
                "{error}"
            );
            assert!(!format!("{error:?}").contains("canary"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn value_that_is_not_utf8_is_not_shown() {
        use std::os::unix::ffi::OsStringExt;
        let value = || OsString::from_vec(b"canary\xff".to_vec());
        let provider = EnvCredential {
            lookup: Arc::new(move |_: &str| Err(VarError::NotUnicode(value()))),
        };
        let error = provider.find().unwrap_err();
        assert!(error.is_permanent(), "{error}");
        assert_eq!(error.to_string(), "YC_API_KEY is not valid UTF-8");
        assert!(!format!("{error:?} {provider:?}").contains("canary"));
    }

    #[test]
    fn each_fetch_reads_the_variables_again() {
        use std::sync::atomic::{AtomicU32, Ordering};
        let reads = AtomicU32::new(0);
        let provider = EnvCredential::with_lookup(move |_| {
            Some(format!("k{}", reads.fetch_add(1, Ordering::Relaxed)))
        });
        assert_eq!(provider.find().unwrap().header_value(), "Api-Key k0");
        assert_eq!(provider.find().unwrap().header_value(), "Api-Key k1");
        assert!(!provider.is_static());
    }
}
