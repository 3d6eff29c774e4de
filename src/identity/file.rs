//! A token or key in a file that something else rotates.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::small_file;
use super::text::{credential, looks_like_api_key, looks_like_iam_token};
use crate::credential::{Credential, Scheme};
use crate::error::ProviderError;
use crate::provider::CredentialProvider;

/// How old a value read from the file may get.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The same for a value kept because the file could not be read: it may be mended any moment.
const MAX_AGE_KEPT: Duration = Duration::from_secs(10);

/// A token or key in a file that something else rotates, as a mounted secret or an agent's output.
///
/// The file is opened anew once its value is a minute old, so replacing it, or the symbolic link to
/// it, is enough. White space and a byte order mark around the value are dropped. The file must be
/// a regular one, of 64 KiB at most.
///
/// Once a value was read, it is kept: where the file is half-written, emptied, removed or
/// unreadable later, the last good value is answered, and the file looked at again after ten
/// seconds. That holds even if a server refused it: some systems delete the file after the start,
/// and a server's own answer says more than ours. A readable file always comes before the value
/// kept. A token that was cut off is still a token to all appearance, so write files under another
/// name, then rename.
///
/// The credential carries no lifetime, as a file tells of none: whoever writes the file must write
/// it in time.
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
    path: PathBuf,
    scheme: Option<Scheme>,
    last_good: Mutex<Option<Credential>>,
}

impl CredentialFile {
    /// The file holds an IAM token or an API key, told apart by how they begin: `t1.` or `AQVN`.
    ///
    /// Neither beginning is promised by Yandex Cloud. Where what the file holds is known, say so:
    /// [`iam_token`](Self::iam_token), [`api_key`](Self::api_key).
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            scheme: None,
            last_good: Mutex::new(None),
        }
    }

    /// The file holds an IAM token.
    pub fn iam_token(path: impl Into<PathBuf>) -> Self {
        Self {
            scheme: Some(Scheme::Bearer),
            ..Self::new(path)
        }
    }

    /// The file holds an API key.
    pub fn api_key(path: impl Into<PathBuf>) -> Self {
        Self {
            scheme: Some(Scheme::ApiKey),
            ..Self::new(path)
        }
    }

    fn read(&self) -> Result<Credential, ProviderError> {
        let text = small_file::read(&self.path).map_err(|error| self.unreadable(&error))?;
        let scheme = self
            .scheme
            .or_else(|| scheme_of(text.trim()))
            .ok_or_else(|| self.ambiguous())?;
        credential(&self.path.to_string_lossy(), scheme, &text)
    }

    fn unreadable(&self, error: &io::Error) -> ProviderError {
        let path = self.path.display();
        match error.kind() {
            ErrorKind::NotFound => ProviderError::not_configured(format!("{path} does not exist")),
            _ => ProviderError::permanent(format!("{path} cannot be read: {error}")),
        }
    }

    fn ambiguous(&self) -> ProviderError {
        let path = self.path.display();
        ProviderError::permanent(format!(
            "{path} holds neither `t1.…` nor `AQVN…`: say what it is by `CredentialFile::iam_token` or `CredentialFile::api_key`"
        ))
    }
}

impl fmt::Debug for CredentialFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialFile")
            .field("path", &self.path)
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

impl CredentialProvider for CredentialFile {
    /// Reads on the calling thread: the file is small, and handing it to another would cost more
    /// than the read.
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let mut last_good = self
            .last_good
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        value_or_last_good(self.read(), &mut last_good)
            .map_err(|error| error.with_provider("credential file"))
    }
}

fn value_or_last_good(
    read: Result<Credential, ProviderError>,
    last_good: &mut Option<Credential>,
) -> Result<Credential, ProviderError> {
    match (read, &*last_good) {
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
    fn the_beginning_of_a_value_tells_its_scheme() {
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
    fn a_value_is_read_again_after_a_minute_and_a_kept_one_after_ten_seconds() {
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
