//! A service account, by the token of another identity provider.

use std::borrow::Cow;
use std::env::{self, VarError};
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::SystemTime;

use http::StatusCode;
use zeroize::Zeroizing;

use super::github_actions::GithubActions;
use super::shared::availability::Availability;
use super::shared::network::network_setters;
use super::shared::small_file::SmallFile;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::exchange::{subject_token, token_exchange};
use crate::policy::Region;
use crate::provider::CredentialProvider;
use crate::redact;
use crate::transport::Client;

const NAME: &str = "workload identity";

/// A service account, by the token that another identity provider issued for this workload:
/// Kubernetes, GitHub, GitLab. [`docs::federations`](crate::docs::federations) has an example for
/// each.
///
/// Each fetch reads that token, the subject token, removes white space around it, and exchanges it
/// for an IAM token of the service account. The federated credential of the service account must
/// name the `sub` of the subject token *(RFC 8693; Yandex Cloud, "Setting up a workload identity
/// federation")*. Subject tokens are short-lived, so their issuer must renew the file or the
/// variable.
///
/// # Errors
///
/// A file that does not exist and a variable that is unset or empty count as not configured until
/// an exchange has succeeded once. Afterwards they are transient.
///
/// The error of a rejected exchange shows the `iss`, `aud`, `sub` and `exp` of the subject token,
/// which are read without verification.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::WorkloadIdentity;
///
/// // A file that Kubernetes renews.
/// let provider = WorkloadIdentity::from_file("aje0example", "/var/run/secrets/tokens/yandex");
///
/// // A variable of a CI job.
/// let provider = WorkloadIdentity::from_env("aje0example", "YANDEX_ID_TOKEN");
///
/// // A job of GitHub Actions.
/// let provider = WorkloadIdentity::github("aje0example", "https://github.com/owner");
///
/// // Anything else.
/// # async fn id_token() -> Result<String, std::io::Error> { Ok("e30.e30.c2ln".into()) }
/// let provider = WorkloadIdentity::from_fn("aje0example", || async {
///     id_token().await.map_err(yandex_cloud_auth::ProviderError::transient)
/// });
/// ```
pub struct WorkloadIdentity {
    service_account_id: String,
    source: Source,
    availability: Availability,
    client: Client,
}

enum Source {
    File(SmallFile),
    Function(Box<Function>),
    Github(GithubActions),
    Variable(String),
}

type Function =
    dyn Fn() -> Pin<Box<dyn Future<Output = Result<String, ProviderError>> + Send>> + Send + Sync;

impl WorkloadIdentity {
    /// Reads the subject token from this file, which must be a regular one of at most 64 KiB.
    /// Inside a tokio runtime it is read on a blocking thread.
    pub fn from_file(service_account_id: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self::new(
            service_account_id.into(),
            Source::File(SmallFile::new(path)),
        )
    }

    /// Reads the subject token from this environment variable.
    pub fn from_env(service_account_id: impl Into<String>, variable: impl Into<String>) -> Self {
        Self::new(service_account_id.into(), Source::Variable(variable.into()))
    }

    /// Calls this function for the subject token.
    pub fn from_fn<F, T>(service_account_id: impl Into<String>, subject_token: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, ProviderError>> + Send + 'static,
    {
        let function = move || Box::pin(subject_token()) as Pin<Box<dyn Future<Output = _> + Send>>;
        Self::new(
            service_account_id.into(),
            Source::Function(Box::new(function)),
        )
    }

    /// Requests the subject token from GitHub Actions, for the audience that the federation names.
    ///
    /// Each fetch reads the variables `ACTIONS_ID_TOKEN_REQUEST_URL` and
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`, which GitHub sets for a job with
    /// `permissions: id-token: write` *(GitHub, "OpenID Connect reference")*. If either is unset or
    /// empty, the provider is not configured. The URL must have the scheme `https`; plain `http` is
    /// allowed for loopback and link-local addresses only.
    ///
    /// The transport of [`with_transport`](Self::with_transport) sends both the request to GitHub
    /// and the exchange. [`with_endpoint`](Self::with_endpoint) applies to the exchange only.
    pub fn github(service_account_id: impl Into<String>, audience: impl Into<String>) -> Self {
        let audience = audience.into();
        Self::new(
            service_account_id.into(),
            Source::Github(GithubActions { audience }),
        )
    }

    fn new(service_account_id: String, source: Source) -> Self {
        let client = Client::new(token_exchange::ENDPOINT);
        Self {
            service_account_id,
            source,
            availability: Availability::default(),
            client,
        }
    }

    /// Sets the region, from which the endpoint of the token exchange follows. Default:
    /// [`Region::russia`].
    ///
    /// The endpoint is known for Russia only. For another region, each fetch returns a permanent error
    /// that says so, unless [`with_endpoint`](Self::with_endpoint) follows.
    #[must_use]
    pub fn with_region(self, region: &Region) -> Self {
        match region.token_exchange_endpoint() {
            Ok(endpoint) => self.with_endpoint(endpoint),
            Err(reason) => Self {
                client: self.client.without_endpoint(reason),
                ..self
            },
        }
    }

    async fn exchange(&self) -> Result<Credential, ProviderError> {
        let text = self.subject_token().await?;
        let subject_token = text.trim();
        if subject_token.is_empty() {
            return Err(self.availability.unavailable(format!(
                "{} holds no subject token: it is empty",
                self.source
            )));
        }
        let token = token_exchange::exchange(&self.client, &self.service_account_id, subject_token)
            .await
            .map_err(|error| error.with_hint(|status| hint(status, subject_token)))?;
        self.availability.mark();
        Ok(token)
    }

    async fn subject_token(&self) -> Result<Zeroizing<String>, ProviderError> {
        match &self.source {
            Source::File(file) => self.read(file).await,
            Source::Function(function) => function().await.map(Zeroizing::new),
            Source::Github(job) => job.id_token(&self.client, &self.availability).await,
            Source::Variable(name) => self.lookup(name),
        }
    }

    async fn read(&self, file: &SmallFile) -> Result<Zeroizing<String>, ProviderError> {
        let text = file.off_worker(SmallFile::read).await?;
        text.map_err(|error| self.unreadable(file, &error))
    }

    fn unreadable(&self, file: &SmallFile, error: &io::Error) -> ProviderError {
        let text = file.unreadable(error);
        match error.kind() {
            ErrorKind::NotFound => self.availability.unavailable(text),
            _ => ProviderError::permanent(text),
        }
    }

    fn lookup(&self, name: &str) -> Result<Zeroizing<String>, ProviderError> {
        match env::var(name) {
            Ok(value) => Ok(Zeroizing::new(value)),
            Err(VarError::NotPresent) => Err(self
                .availability
                .unavailable(format!("{} is not set", self.source))),
            // The error contains the value, so it is dropped here.
            Err(VarError::NotUnicode(_)) => Err(ProviderError::permanent(format!(
                "{} is not valid UTF-8",
                self.source
            ))),
        }
    }
}

network_setters!(WorkloadIdentity);

impl CredentialProvider for WorkloadIdentity {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        self.exchange()
            .await
            .map_err(|error| error.with_provider(NAME))
    }

    fn name(&self) -> Cow<'static, str> {
        self.client.name_of(NAME)
    }
}

impl fmt::Debug for WorkloadIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkloadIdentity")
            .field(
                "service_account_id",
                &redact::setting(&self.service_account_id),
            )
            .field("source", &self.source)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// The path or the variable, unless it may be a secret.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.fmt(f),
            Self::Function(_) => f.write_str("the function"),
            Self::Github(job) => {
                let audience = redact::setting(&job.audience);
                write!(f, "GitHub Actions for the audience {audience}")
            }
            Self::Variable(name) => write!(f, "the variable {}", redact::setting(name)),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn hint(status: StatusCode, token: &str) -> Option<String> {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Some(format!(
                "{}: check that it has not expired, that the federation names its issuer and audience, \
             and that the service account's federated credential names its `sub`",
                subject_token::describe(token, SystemTime::now()),
            ))
        }
        _ => None,
    }
}
