//! A service account, by its authorized key.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;
use zeroize::Zeroizing;

use super::shared::network::network_setters;
use super::shared::small_file::SmallFile;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::exchange::authorized_key::{AuthorizedKey, InvalidKey};
use crate::exchange::{ExchangeError, assertion, iam};
use crate::policy::Region;
use crate::provider::CredentialProvider;
use crate::redact;
use crate::runtime::spawn_blocking;
use crate::transport::Client;
#[cfg(feature = "metadata")]
use crate::transport::Transport;

pub(super) const NAME: &str = "service account key";

/// The URL of IAM's `Create`, which an assertion must name whatever its endpoint is.
const AUDIENCE: &str = "https://iam.api.cloud.yandex.net/iam/v1/tokens";

/// A service account's authorized key, whose signed JWT is exchanged for an IAM token.
///
/// The key is what `yc iam key create` writes: a JSON file with the fields `id`,
/// `service_account_id` and `private_key`. The response of the REST API, in camel case, is accepted
/// too. The key is RSA of 2048 to 4096 bits, in PKCS#8 or PKCS#1, not encrypted.
///
/// Each fetch signs a JWT with PS256 and sends one request to IAM *(Yandex Cloud, "Getting an IAM
/// token for a service account")*. The token lives at most 12 hours. Signing takes milliseconds;
/// inside a tokio runtime, the file is read and the JWT is signed on a blocking thread.
///
/// A wrong local clock does not fail a fetch: if the `Date` of the response is off by more than 30
/// seconds, the lifetime of the token counts from that `Date`, and a rejected JWT is signed once
/// more with it.
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
/// // Or a key that is stored elsewhere.
/// let provider = ServiceAccountKey::from_json(&key_json)?;
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ServiceAccountKey {
    source: Source,
    audience: Cow<'static, str>,
    client: Client,
}

enum Source {
    File(SmallFile),
    Key(Arc<AuthorizedKey>),
}

impl ServiceAccountKey {
    /// The key in this file.
    ///
    /// The file is read and checked now, on the calling thread, and again at each fetch, so that a
    /// fixed or rotated file is used without a restart. If a later fetch cannot read it, that fetch
    /// fails, and a cache keeps its token. If all users of the machine can read the file, the
    /// feature `tracing` emits a warning, once.
    ///
    /// # Errors
    ///
    /// Transient if the file does not exist or its JSON ends too early: it may be being replaced.
    /// Permanent if it cannot be read, is not a regular file, is larger than 64 KiB, or is not such
    /// a key. The error says which, and contains nothing of the file.
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, ProviderError> {
        let file = SmallFile::new(path);
        read_key(&file).map_err(|error| error.with_provider(NAME))?;
        file.warn_if_readable_by_all();
        Ok(Self::in_file(file))
    }

    /// The key in this file, which is not read before a fetch.
    pub(super) fn in_file(file: SmallFile) -> Self {
        Self::new(Source::File(file))
    }

    /// The key in this JSON text.
    ///
    /// # Errors
    ///
    /// Permanent if the text is not such a key. The error says why, and contains nothing of it.
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

    /// Sets the audience (`aud`) of the JWT. Default: IAM's official URL in the region, whatever the
    /// endpoint is.
    #[must_use]
    pub fn with_audience(self, audience: impl Into<Cow<'static, str>>) -> Self {
        Self {
            audience: audience.into(),
            ..self
        }
    }

    /// Sets the region, from which the endpoint of IAM and the audience of the JWT follow. Default:
    /// [`Region::russia`].
    ///
    /// Of this setter, [`with_endpoint`](Self::with_endpoint) and
    /// [`with_audience`](Self::with_audience), the last one counts.
    #[must_use]
    pub fn with_region(self, region: &Region) -> Self {
        self.with_endpoint(region.iam_endpoint())
            .with_audience(region.jwt_audience())
    }

    #[cfg(feature = "metadata")]
    pub(super) fn through(self, transport: Transport) -> Self {
        Self {
            client: self.client.with_transport(transport),
            ..self
        }
    }

    async fn exchange(&self) -> Result<Credential, ProviderError> {
        let key = self.key().await?;
        let jwt = self.sign(&key, SystemTime::now()).await?;
        let mut outcome = iam::create_token(&self.client, "jwt", &jwt).await;
        if let Some(now) = outcome.as_ref().err().and_then(time_to_sign_by) {
            let jwt = self.sign(&key, now).await?;
            outcome = iam::create_token(&self.client, "jwt", &jwt).await;
        }
        outcome.map_err(|error| error.with_hint(hint))
    }

    async fn key(&self) -> Result<Arc<AuthorizedKey>, ProviderError> {
        match &self.source {
            Source::File(file) => {
                let key = file.off_worker(read_key).await??;
                file.warn_if_readable_by_all();
                Ok(Arc::new(key))
            }
            Source::Key(key) => Ok(Arc::clone(key)),
        }
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
        self.exchange()
            .await
            .map_err(|error| error.with_provider(NAME))
    }

    fn name(&self) -> Cow<'static, str> {
        self.client.name_of(NAME)
    }
}

impl fmt::Debug for ServiceAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("ServiceAccountKey");
        match &self.source {
            Source::File(file) => fields.field("path", file),
            Source::Key(key) => fields.field("key", key),
        };
        fields
            .field("audience", &redact::setting(&self.audience))
            .field("client", &self.client)
            .finish()
    }
}

fn read_key(file: &SmallFile) -> Result<AuthorizedKey, ProviderError> {
    let text = file.read().map_err(|error| unreadable(file, &error))?;
    AuthorizedKey::parse(&text).map_err(|error| {
        let text = format!("{file}: {error}");
        match error {
            InvalidKey::Incomplete => ProviderError::transient(text),
            InvalidKey::Wrong(_) => ProviderError::permanent(text),
        }
    })
}

fn unreadable(file: &SmallFile, error: &io::Error) -> ProviderError {
    let text = file.unreadable(error);
    match error.kind() {
        ErrorKind::NotFound => ProviderError::transient(text),
        _ => ProviderError::permanent(text),
    }
}

/// The time of the server, if IAM may have rejected the assertion for the time in it.
fn time_to_sign_by(error: &ExchangeError) -> Option<SystemTime> {
    match error {
        ExchangeError::Rejected(response)
            if matches!(
                response.status,
                StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED
            ) =>
        {
            response.server_time
        }
        _ => None,
    }
}

fn hint(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(
            "check that the key and its service account still exist in this region, or create a new key with `yc iam key create`",
        ),
        _ => None,
    }
}
