//! The service account of the machine.

use std::borrow::Cow;
use std::env;
use std::ffi::OsStr;
use std::future::Future;
use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::Full;

use super::shared::availability::Availability;
use super::shared::network::network_setters;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::exchange::{ExchangeError, access_token};
use crate::policy::Region;
use crate::provider::CredentialProvider;
use crate::runtime;
#[cfg(feature = "service-account")]
use crate::transport::Transport;
use crate::transport::{Client, Response};

const NAME: &str = "metadata service";

const ENDPOINT: &str = "http://169.254.169.254";

const PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// How long to wait for a service that may not exist.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// A token stays bound to the account that the machine had when the token was issued.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// The service account of the virtual machine, function or container that runs this program.
///
/// A fetch sends a request to the metadata service at `http://169.254.169.254`, or at the `host` or
/// `host:port` in the environment variable `YC_METADATA_ADDR` *(Yandex Cloud, "Working with Yandex
/// Cloud from inside a VM")*. It uses no proxy.
///
/// The credential is fetched again every five minutes, or sooner if the lifetime of the token
/// requires it, since the account of a machine may be changed while it runs. In functions and
/// containers, where timers stop between invocations, that happens with the next request.
///
/// # Errors
///
/// Until the service has returned a token once, it counts as not configured if it responds with 404
/// (no service account is attached) or 400 (its tokens are disabled), if the connection is refused
/// or takes longer than a second, and if there is no response within a second. Afterwards all of
/// these are transient.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::MetadataService;
///
/// let provider = MetadataService::new();
/// ```
#[derive(Debug)]
pub struct MetadataService {
    client: Client,
    availability: Availability,
}

impl MetadataService {
    /// The metadata service of this machine. Reads `YC_METADATA_ADDR` now; empty counts as unset.
    pub fn new() -> Self {
        Self::at(env::var_os("YC_METADATA_ADDR").as_deref())
    }

    fn at(address: Option<&OsStr>) -> Self {
        let client = Client::new(ENDPOINT);
        let address = address.unwrap_or_default().to_string_lossy();
        let client = match address.trim() {
            "" => client,
            address => client.with_endpoint(
                "`http://` and the value of YC_METADATA_ADDR",
                &format!("http://{address}"),
            ),
        };
        Self {
            client,
            availability: Availability::default(),
        }
    }

    /// Changes nothing: the address of the metadata service does not depend on the region.
    ///
    /// For code that sets the region of every provider.
    #[must_use]
    pub fn with_region(self, _: &Region) -> Self {
        self
    }

    #[cfg(feature = "service-account")]
    pub(super) fn through(self, transport: Transport) -> Self {
        Self {
            client: self.client.with_transport(transport),
            ..self
        }
    }

    async fn exchange(&self) -> Result<Credential, ExchangeError> {
        let request = self
            .client
            .request(Method::GET, PATH)
            .map_err(ExchangeError::NoResponse)?;
        let request = request
            .header("metadata-flavor", "Google")
            .body(Full::default())
            .expect("the URL was checked and the headers are constants");
        let response = self
            .within_probe_timeout(self.client.send(request))
            .await
            .map_err(ExchangeError::NoResponse)?;
        access_token::credential_in(&response, "")
    }

    /// There may be no such service, and the next provider of a chain waits.
    async fn within_probe_timeout(
        &self,
        response: impl Future<Output = Result<Response, ProviderError>>,
    ) -> Result<Response, ProviderError> {
        if self.availability.is_known() {
            return response.await;
        }
        runtime::timeout(PROBE_TIMEOUT, response)
            .await
            .unwrap_or_else(|| Err(ProviderError::transient("no response within a second")))
    }

    fn provider_error(&self, error: ExchangeError) -> ProviderError {
        match error {
            ExchangeError::NoResponse(error) if error.is_transient() => self
                .availability
                .unavailable(format!("{error}; is this a machine of Yandex Cloud?")),
            ExchangeError::Rejected(response) if means_no_token(response.status) => {
                let error = ExchangeError::Rejected(response).with_hint(hint);
                self.availability.unavailable(error.to_string())
            }
            other => other.with_hint(hint),
        }
    }
}

/// Google Compute Engine has the same service at the same address. Its access tokens start so.
fn is_of_google(token: &Credential) -> bool {
    token.expose_secret().starts_with("ya29.")
}

fn means_no_token(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND)
}

fn hint(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::BAD_REQUEST => Some(
            "the machine's metadata options forbid tokens: set `gce-http-endpoint` and `gce-http-token` to `enabled`",
        ),
        StatusCode::NOT_FOUND => {
            Some("no service account is attached to this virtual machine, function or container")
        }
        _ => None,
    }
}

network_setters!(MetadataService);

impl Default for MetadataService {
    fn default() -> Self {
        Self::new()
    }
}

impl CredentialProvider for MetadataService {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let token = self
            .exchange()
            .await
            .map_err(|error| self.provider_error(error).with_provider(NAME))?;
        if is_of_google(&token) {
            return Err(ProviderError::not_configured(
                "the token is Google Cloud's: is this a machine of Yandex Cloud?",
            )
            .with_provider(NAME));
        }
        self.availability.mark();
        Ok(token.with_max_age(MAX_AGE))
    }

    fn name(&self) -> Cow<'static, str> {
        self.client.name_of(NAME)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn variable_holds_host_and_optional_port() {
        for (address, endpoint) in [
            (None, "http://169.254.169.254"),
            (Some(""), "http://169.254.169.254"),
            (Some(" \n"), "http://169.254.169.254"),
            (Some("127.0.0.1:8080"), "http://127.0.0.1:8080"),
            (Some("localhost"), "http://localhost"),
        ] {
            let service = MetadataService::at(address.map(OsStr::new));
            assert_eq!(service.name(), format!("metadata service ({endpoint})"));
        }
    }

    #[test]
    fn invalid_address_is_permanent_and_not_shown() {
        for address in [
            "http://canary.169.254",
            "metadata.canary",
            "127.0.0.1:canary",
            "a canary",
            "AQVNcanary",
            "{\"canary\":1}",
        ] {
            let service = MetadataService::at(Some(OsStr::new(address)));
            let error = service.fetch().now_or_never().unwrap().unwrap_err();
            let text = format!("{error} {error:?} {service:?} {}", service.name());
            assert!(error.is_permanent(), "{text}");
            assert!(
                text.contains("YC_METADATA_ADDR") && !text.contains("canary"),
                "{text}"
            );
        }
    }
}
