//! A token or key in a file that another program rotates.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::shared::small_file::SmallFile;
use super::shared::text::{credential, looks_like_api_key, looks_like_iam_token};
use crate::credential::{Credential, Scheme};
use crate::error::ProviderError;
use crate::provider::CredentialProvider;

const NAME: &str = "credential file";

/// How long a cache uses a value before it reads the file again.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The same for a value that is kept because the file cannot be read: it may be fixed at any
/// moment.
const MAX_AGE_KEPT: Duration = Duration::from_secs(10);

/// A token or key in a file that another program rotates, as a mounted secret or the output of an
/// agent.
///
/// The file is opened anew when its value is a minute old, so it is enough to replace the file or
/// the symbolic link to it. White space and a byte order mark around the value are removed. The
/// file must be a regular one of at most 64 KiB. Inside a tokio runtime it is read on a blocking
/// thread. If the file system does not respond, the fetch ends with the fetch timeout of the cache.
/// Only the shutdown of the runtime waits for the read, unless it is `shutdown_background`. If all
/// users of the machine can read the file, the feature `tracing` emits a warning, once.
///
/// After the first value, a file that is half-written, empty, removed or unreadable does not fail a
/// fetch: the fetch returns the last good value, and the file is read again ten seconds later. This
/// holds even if a server rejected that value, since some systems delete the file after the start
/// of a program, and the response of the server is the more useful error. A readable file always
/// replaces the last good value. A token that was cut off still looks like a token, so write to a
/// file of another name, then rename it.
///
/// The credential has no lifetime, since a file states none: the program that writes the file must
/// replace it in time.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{CredentialFile, CredentialProvider};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("iam-token-{}", std::process::id()));
/// std::fs::write(&path, "t1.abc\n")?;
/// let provider = CredentialFile::iam_token(&path);
/// assert_eq!(provider.fetch().await?.header_value(), "Bearer t1.abc");
/// # std::fs::remove_file(&path)?;
/// # Ok(())
/// # }
/// ```
pub struct CredentialFile {
    file: SmallFile,
    scheme: Option<Scheme>,
    last_good: Mutex<Option<Credential>>,
}

impl CredentialFile {
    /// A file with an IAM token or an API key, which are distinguished by their first characters:
    /// `t1.` or `AQVN`.
    ///
    /// Yandex Cloud does not document either as stable. If the kind is known, use
    /// [`iam_token`](Self::iam_token) or [`api_key`](Self::api_key).
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            file: SmallFile::new(path),
            scheme: None,
            last_good: Mutex::new(None),
        }
    }

    /// A file with an IAM token.
    pub fn iam_token(path: impl Into<PathBuf>) -> Self {
        Self {
            scheme: Some(Scheme::Bearer),
            ..Self::new(path)
        }
    }

    /// A file with an API key.
    pub fn api_key(path: impl Into<PathBuf>) -> Self {
        Self {
            scheme: Some(Scheme::ApiKey),
            ..Self::new(path)
        }
    }

    async fn read(&self) -> Result<Credential, ProviderError> {
        let scheme = self.scheme;
        let credential = self
            .file
            .off_worker(move |file| read(file, scheme))
            .await??;
        self.file.warn_if_readable_by_all();
        Ok(credential)
    }
}

impl fmt::Debug for CredentialFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialFile")
            .field("path", &self.file)
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

impl CredentialProvider for CredentialFile {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let outcome = self.read().await;
        let mut last_good = self
            .last_good
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        value_or_last_good(outcome, &mut last_good).map_err(|error| error.with_provider(NAME))
    }

    fn name(&self) -> Cow<'static, str> {
        format!("{NAME} {}", self.file).into()
    }
}

fn read(file: &SmallFile, scheme: Option<Scheme>) -> Result<Credential, ProviderError> {
    let text = file.read().map_err(|error| unreadable(file, &error))?;
    let scheme = scheme
        .or_else(|| scheme_of(text.trim()))
        .ok_or_else(|| ambiguous(file))?;
    credential(&file.to_string(), scheme, &text)
}

fn unreadable(file: &SmallFile, error: &io::Error) -> ProviderError {
    let text = file.unreadable(error);
    match error.kind() {
        ErrorKind::NotFound => ProviderError::not_configured(text),
        _ => ProviderError::permanent(text),
    }
}

fn ambiguous(file: &SmallFile) -> ProviderError {
    ProviderError::permanent(format!(
        "{file} holds neither `t1.…` nor `AQVN…`: use `CredentialFile::iam_token` or `CredentialFile::api_key`"
    ))
}

fn value_or_last_good(
    outcome: Result<Credential, ProviderError>,
    last_good: &mut Option<Credential>,
) -> Result<Credential, ProviderError> {
    match (outcome, &*last_good) {
        (Ok(credential), _) => Ok(last_good.insert(credential.with_max_age(MAX_AGE)).clone()),
        (Err(_), Some(kept)) => Ok(kept.clone().with_max_age(MAX_AGE_KEPT)),
        (Err(error), None) => Err(error),
    }
}

fn scheme_of(text: &str) -> Option<Scheme> {
    match text {
        _ if looks_like_api_key(text) => Some(Scheme::ApiKey),
        _ if looks_like_iam_token(text) => Some(Scheme::Bearer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_characters_decide_scheme() {
        for (text, scheme) in [
            ("AQVNabc", Some(Scheme::ApiKey)),
            ("t1.abc", Some(Scheme::Bearer)),
            ("t2.abc", Some(Scheme::Bearer)),
            ("y0_abc", None),
            ("CggVAgAAA", None),
            ("", None),
        ] {
            assert_eq!(scheme_of(text), scheme, "{text}");
        }
    }

    #[test]
    fn kept_value_is_due_sooner_than_fresh() {
        let mut last_good = None;
        let failed = || Err(ProviderError::permanent("unreadable"));
        assert!(value_or_last_good(failed(), &mut last_good).is_err());
        let read =
            value_or_last_good(Ok(Credential::iam_token("t1.a").unwrap()), &mut last_good).unwrap();
        assert_eq!(
            (read.max_age(), read.expires_at()),
            (Some(Duration::from_secs(60)), None)
        );
        let kept = value_or_last_good(failed(), &mut last_good).unwrap();
        assert_eq!(kept.max_age(), Some(Duration::from_secs(10)));
        assert!(kept.same_secret(&read));
    }
}
