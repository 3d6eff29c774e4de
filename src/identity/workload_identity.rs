//! A service account, by the token of another identity provider.

use std::env::{self, VarError};
use std::fmt;
use std::future::Future;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use http::StatusCode;
use zeroize::Zeroizing;

use super::availability::Availability;
use super::network::network_setters;
use super::small_file;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::exchange::token_exchange;
use crate::provider::CredentialProvider;
use crate::runtime::spawn_blocking;
use crate::transport::Client;

const NAME: &str = "workload identity";

/// A service account, by the token that another identity provider gave this workload: Kubernetes,
/// GitHub, GitLab.
///
/// That token, the subject token, is read anew for each fetch, trimmed, and exchanged for an IAM
/// token of the service account, whose federated credential names its `sub` *(RFC 8693; Yandex
/// Cloud, "Setting up a workload identity federation")*. Subject tokens are short-lived, so whoever
/// issues them must renew the file or the variable.
///
/// # Errors
///
/// A file that does not exist and a variable that is unset or empty count as not configured, until
/// an exchange has succeeded once. After that, they are transient.
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
/// // Anything else.
/// # async fn ask_github() -> Result<String, std::io::Error> { Ok("e30.e30.c2ln".into()) }
/// let provider = WorkloadIdentity::from_fn("aje0example", || async {
///     ask_github().await.map_err(yandex_cloud_auth::ProviderError::transient)
/// });
/// ```
pub struct WorkloadIdentity {
    service_account_id: String,
    source: Source,
    availability: Availability,
    client: Client,
}

enum Source {
    File(Arc<Path>),
    Function(Box<Function>),
    Variable(String),
}

type Function =
    dyn Fn() -> Pin<Box<dyn Future<Output = Result<String, ProviderError>> + Send>> + Send + Sync;

impl WorkloadIdentity {
    /// The subject token is in this file: a regular one, of 64 KiB at most.
    pub fn from_file(service_account_id: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self::new(service_account_id.into(), Source::File(path.into().into()))
    }

    /// The subject token is in this environment variable.
    pub fn from_env(service_account_id: impl Into<String>, variable: impl Into<String>) -> Self {
        Self::new(service_account_id.into(), Source::Variable(variable.into()))
    }

    /// The subject token is what this function gives.
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

    fn new(service_account_id: String, source: Source) -> Self {
        let client = Client::new(token_exchange::ENDPOINT);
        Self {
            service_account_id,
            source,
            availability: Availability::default(),
            client,
        }
    }

    async fn ask(&self) -> Result<Credential, ProviderError> {
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
            .map_err(|failure| failure.with_hint(advice))?;
        self.availability.mark();
        Ok(token)
    }

    async fn subject_token(&self) -> Result<Zeroizing<String>, ProviderError> {
        match &self.source {
            Source::File(path) => self.read(Arc::clone(path)).await,
            Source::Function(function) => function().await.map(Zeroizing::new),
            Source::Variable(name) => self.lookup(name),
        }
    }

    async fn read(&self, path: Arc<Path>) -> Result<Zeroizing<String>, ProviderError> {
        let shown = path.display().to_string();
        spawn_blocking(move || small_file::read(&path))
            .await?
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => self
                    .availability
                    .unavailable(format!("{shown} does not exist")),
                _ => ProviderError::permanent(format!("{shown} cannot be read: {error}")),
            })
    }

    fn lookup(&self, name: &str) -> Result<Zeroizing<String>, ProviderError> {
        match env::var(name) {
            Ok(value) => Ok(Zeroizing::new(value)),
            Err(VarError::NotPresent) => {
                Err(self.availability.unavailable(format!("{name} is not set")))
            }
            // This error holds the value: it goes no further.
            Err(VarError::NotUnicode(_)) => Err(ProviderError::permanent(format!(
                "{name} is not valid UTF-8"
            ))),
        }
    }
}

network_setters!(WorkloadIdentity);

impl CredentialProvider for WorkloadIdentity {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        self.ask().await.map_err(|error| error.with_provider(NAME))
    }
}

impl fmt::Debug for WorkloadIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkloadIdentity")
            .field("service_account_id", &self.service_account_id)
            .field("source", &self.source)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Function(_) => f.write_str("the function"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn advice(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(
            "check that the subject token has not expired, that the federation names its issuer and audience, \
             and that the service account's federated credential names its `sub`",
        ),
        _ => None,
    }
}
