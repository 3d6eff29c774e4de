//! An IAM token that systemd passes to a service.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::CredentialProvider;

const NAME: &str = "systemd credential";

/// How long a cache uses a value before it reads the file again.
const MAX_AGE: Duration = Duration::from_secs(60);

/// An IAM token that systemd passes to a service, in a file of `$CREDENTIALS_DIRECTORY`
/// *(systemd.exec(5), "Credentials")*.
///
/// The credential has no lifetime, since the file states none. It is read again every minute.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{AuthLayer, SystemdCredential};
///
/// let directory = std::env::var_os("CREDENTIALS_DIRECTORY");
/// let auth = AuthLayer::new(SystemdCredential::new(directory, "iam-token"));
/// ```
#[derive(Debug)]
pub struct SystemdCredential {
    directory: Option<PathBuf>,
    id: String,
}

impl SystemdCredential {
    /// The credential with this id in the directory. Without one, the provider is not configured.
    pub fn new(directory: Option<OsString>, id: impl Into<String>) -> Self {
        Self {
            directory: directory.map(Into::into),
            id: id.into(),
        }
    }

    fn read(&self) -> Result<Credential, ProviderError> {
        let directory = self.directory.as_ref().ok_or_else(|| {
            ProviderError::not_configured("systemd passes no credentials: add LoadCredential=")
        })?;
        let path = directory.join(&self.id);
        // The directory is in memory, so that this does not block.
        let text = fs::read_to_string(&path).map(Zeroizing::new);
        let text = text.map_err(|error| {
            ProviderError::transient(format!("{} cannot be read: {error}", path.display()))
        })?;
        Ok(Credential::iam_token(text.trim())?.with_max_age(MAX_AGE))
    }
}

impl CredentialProvider for SystemdCredential {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        self.read().map_err(|error| error.with_provider(NAME))
    }

    fn name(&self) -> Cow<'static, str> {
        NAME.into()
    }
}
