//! A service account, by its authorized key.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;
use zeroize::Zeroizing;

use super::network::network_setters;
use super::small_file;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::exchange::authorized_key::{AuthorizedKey, InvalidKey};
use crate::exchange::{ExchangeError, assertion, iam};
use crate::provider::CredentialProvider;
use crate::runtime::spawn_blocking;
use crate::telemetry;
use crate::transport::Client;
#[cfg(feature = "metadata")]
use crate::transport::Transport;

const NAME: &str = "service account key";

/// The URL of IAM's `Create`, which an assertion must name wherever it is sent.
const AUDIENCE: &str = "https://iam.api.cloud.yandex.net/iam/v1/tokens";

/// A service account's authorized key, whose signed JWT is exchanged for an IAM token.
///
/// The key is what `yc iam key create` writes: a JSON file with the fields `id`,
/// `service_account_id` and `private_key`; the REST API's answer, in camel case, is read too. The
/// key is RSA of 2048 to 4096 bits, in PKCS#8 or PKCS#1, not encrypted.
///
/// Each fetch signs a JWT with PS256 and asks IAM once *(Yandex Cloud, "Getting an IAM token for a
/// service account")*. The token lives 12 hours at most. Signing takes milliseconds; where there is
/// a tokio runtime, reading and signing are done on its blocking threads.
///
/// A wrong local clock is met: where the answer's `Date` is off by more than 30 seconds, the
/// token's lifetime is counted by it, and a JWT refused then is signed once more by it.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::ServiceAccountKey;
///
/// # let key_json = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/service_account_key.json"))?;
/// # let path = std::env::temp_dir().join(format!("key-{}.json", std::process::id()));
/// # std::fs::write(&path, &key_json)?;
/// // A file is read again at each fetch, so it may be rotated.
/// let provider = ServiceAccountKey::from_file(&path)?;
/// // Or a key that is kept elsewhere.
/// let provider = ServiceAccountKey::from_json(&key_json)?;
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ServiceAccountKey {
    source: Source,
    audience: Cow<'static, str>,
    client: Client,
}

#[derive(Clone)]
enum Source {
    File(Arc<Path>),
    Key(Arc<AuthorizedKey>),
}

impl ServiceAccountKey {
    /// The key in this file.
    ///
    /// It is read and checked now, and again at each fetch, so that a mended or rotated file is
    /// used without a restart. A fetch that cannot read it fails, and a cache keeps the token it
    /// has. A file that every user of the machine may read is a warning of the feature `tracing`,
    /// once.
    ///
    /// # Errors
    ///
    /// Transient, where the file does not exist or its JSON ends too early: it may be being
    /// replaced. Permanent, where it is unreadable, not a regular file, larger than 64 KiB, or not
    /// such a key. The error says which, and shows nothing of it.
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, ProviderError> {
        let provider = Self::in_file(path.into());
        provider
            .source
            .key()
            .map_err(|error| error.with_provider(NAME))?;
        if let Source::File(path) = &provider.source
            && readable_by_all(path)
        {
            telemetry::key_file_readable_by_all(path);
        }
        Ok(provider)
    }

    /// The key in this file, which is not looked at before a fetch.
    pub(super) fn in_file(path: PathBuf) -> Self {
        Self::new(Source::File(path.into()))
    }

    /// The key in this JSON text.
    ///
    /// # Errors
    ///
    /// Permanent, where it is not such a key. The error says why, and shows nothing of it.
    pub fn from_json(text: impl AsRef<str>) -> Result<Self, ProviderError> {
        let key = AuthorizedKey::parse(text.as_ref()).map_err(|error| {
            ProviderError::permanent(format!("the key: {error}")).with_provider(NAME)
        })?;
        Ok(Self::new(Source::Key(Arc::new(key))))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            audience: AUDIENCE.into(),
            client: Client::new(iam::ENDPOINT),
        }
    }

    /// The audience (`aud`) of the JWT. Default: IAM's official URL, wherever the endpoint is.
    #[must_use]
    pub fn with_audience(self, audience: impl Into<Cow<'static, str>>) -> Self {
        Self {
            audience: audience.into(),
            ..self
        }
    }

    #[cfg(feature = "metadata")]
    pub(super) fn through(self, transport: Transport) -> Self {
        Self {
            client: self.client.with_transport(transport),
            ..self
        }
    }

    async fn ask(&self) -> Result<Credential, ProviderError> {
        let source = self.source.clone();
        let key = spawn_blocking(move || source.key()).await??;
        let jwt = self.sign(&key, SystemTime::now()).await?;
        let mut outcome = iam::create_token(&self.client, "jwt", &jwt).await;
        if let Some(now) = outcome.as_ref().err().and_then(time_to_sign_by) {
            let jwt = self.sign(&key, now).await?;
            outcome = iam::create_token(&self.client, "jwt", &jwt).await;
        }
        outcome.map_err(|failure| failure.with_hint(advice))
    }

    async fn sign(
        &self,
        key: &Arc<AuthorizedKey>,
        now: SystemTime,
    ) -> Result<Zeroizing<String>, ProviderError> {
        let (key, audience) = (Arc::clone(key), self.audience.clone());
        spawn_blocking(move || assertion::sign(&key, &audience, now)).await?
    }
}

network_setters!(ServiceAccountKey);

impl CredentialProvider for ServiceAccountKey {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        self.ask().await.map_err(|error| error.with_provider(NAME))
    }
}

impl fmt::Debug for ServiceAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("ServiceAccountKey");
        match &self.source {
            Source::File(path) => fields.field("path", path),
            Source::Key(key) => fields.field("key", key),
        };
        fields
            .field("audience", &self.audience)
            .field("client", &self.client)
            .finish()
    }
}

impl Source {
    fn key(&self) -> Result<Arc<AuthorizedKey>, ProviderError> {
        match self {
            Self::File(path) => read_key(path).map(Arc::new),
            Self::Key(key) => Ok(Arc::clone(key)),
        }
    }
}

fn read_key(path: &Path) -> Result<AuthorizedKey, ProviderError> {
    let text = small_file::read(path).map_err(|error| unreadable(path, &error))?;
    AuthorizedKey::parse(&text).map_err(|error| {
        let text = format!("{}: {error}", path.display());
        match error {
            InvalidKey::Incomplete => ProviderError::transient(text),
            InvalidKey::Wrong(_) => ProviderError::permanent(text),
        }
    })
}

#[cfg(unix)]
fn readable_by_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn readable_by_all(_: &Path) -> bool {
    false
}

fn unreadable(path: &Path, error: &io::Error) -> ProviderError {
    let path = path.display();
    match error.kind() {
        ErrorKind::NotFound => ProviderError::transient(format!("{path} does not exist")),
        _ => ProviderError::permanent(format!("{path} cannot be read: {error}")),
    }
}

/// What time it is, where the assertion may have been refused for the time in it.
fn time_to_sign_by(failure: &ExchangeError) -> Option<SystemTime> {
    match failure {
        ExchangeError::Refused(refusal)
            if matches!(
                refusal.status,
                StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED
            ) =>
        {
            refusal.server_time
        }
        _ => None,
    }
}

fn advice(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(
            "check that the key and its service account still exist, or make a new key with `yc iam key create`",
        ),
        _ => None,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_readable_by_all_when_its_mode_says_so_to_others() {
        let path =
            std::env::temp_dir().join(format!("yandex-cloud-auth-mode-{}", std::process::id()));
        fs::write(&path, "").unwrap();
        for (mode, by_all) in [
            (0o600, false),
            (0o640, false),
            (0o660, false),
            (0o644, true),
            (0o604, true),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(readable_by_all(&path), by_all, "{mode:o}");
        }
        fs::remove_file(&path).unwrap();
        assert!(!readable_by_all(&path));
    }
}
