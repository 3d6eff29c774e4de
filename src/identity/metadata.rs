//! The identity of the machine itself.

use std::env;
use std::ffi::OsStr;
use std::future::Future;
use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::Full;

use super::availability::Availability;
use super::network::network_setters;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::exchange::{ExchangeError, access_token};
use crate::provider::CredentialProvider;
use crate::runtime;
use crate::transport::{Client, Response};

const NAME: &str = "metadata service";

const ENDPOINT: &str = "http://169.254.169.254";

const PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// How long to wait for it where it may not exist.
const PROBE: Duration = Duration::from_secs(1);

/// A token stays bound to the account that the machine had when it was made.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// The service account attached to the virtual machine, function or container this runs in.
///
/// It asks the metadata service at `http://169.254.169.254`, or at the `host` or `host:port` in the
/// environment variable `YC_METADATA_ADDR` *(Yandex Cloud, "Working with Yandex Cloud from inside a
/// VM")*. No proxy is used.
///
/// The credential is fetched again every five minutes, and at least as often as a token's lifetime
/// asks for, since the account of a machine may be changed while it runs. In functions and
/// containers, where timers stand still between invocations, that happens on demand.
///
/// # Errors
///
/// Until it has given a token once, it counts as not configured where it answers 404 (no service
/// account is attached) or 400 (its tokens are disabled), where the connection is refused or not
/// made within a second, and where a second passes without an response. After that, all of these are
/// transient.
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
    /// The machine's own. Reads `YC_METADATA_ADDR` now; empty counts as unset.
    pub fn new() -> Self {
        Self::at(env::var_os("YC_METADATA_ADDR").as_deref())
    }

    fn at(address: Option<&OsStr>) -> Self {
        let client = with_short_timeout(Client::new(ENDPOINT));
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

    async fn ask(&self) -> Result<Credential, ExchangeError> {
        let request = self
            .client
            .request(Method::GET, PATH)
            .map_err(ExchangeError::NoResponse)?;
        let request = request
            .header("metadata-flavor", "Google")
            .body(Full::default())
            .expect("the URL was checked and the headers are constants");
        let response = self
            .unless_silent(self.client.send(request))
            .await
            .map_err(ExchangeError::NoResponse)?;
        access_token::credential_in(&response, "")
    }

    /// Nothing may be there to answer, and others in a chain wait.
    async fn unless_silent(
        &self,
        response: impl Future<Output = Result<Response, ProviderError>>,
    ) -> Result<Response, ProviderError> {
        if self.availability.is_known() {
            return response.await;
        }
        let silence = || Err(ProviderError::transient("no answer within a second"));
        runtime::timeout(PROBE, response)
            .await
            .unwrap_or_else(silence)
    }

    fn explain(&self, failure: ExchangeError) -> ProviderError {
        let (absent, silent) = match &failure {
            ExchangeError::NoResponse(error) => (error.is_transient(), true),
            ExchangeError::Refused(refusal) => (
                matches!(
                    refusal.status,
                    StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND
                ),
                false,
            ),
            ExchangeError::InvalidResponse(_) => (false, false),
        };
        let error = failure.with_hint(advice);
        match (absent, silent) {
            (false, _) => error,
            (true, false) => self.availability.unavailable(error.to_string()),
            (true, true) => self
                .availability
                .unavailable(format!("{error}; is this a machine of Yandex Cloud?")),
        }
    }
}

fn advice(status: StatusCode) -> Option<&'static str> {
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

/// It is one hop away or not there at all.
fn with_short_timeout(client: Client) -> Client {
    #[cfg(feature = "hyper-client")]
    let client = {
        let transport = crate::HttpsTransport::builder()
            .connect_timeout(PROBE)
            .build();
        client.with_transport(crate::transport::Transport::new(transport))
    };
    client
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
            .ask()
            .await
            .map_err(|failure| self.explain(failure).with_provider(NAME))?;
        self.availability.mark();
        Ok(token.with_max_age(MAX_AGE))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn the_address_is_host_or_host_and_port_and_empty_counts_as_unset() {
        for (address, endpoint) in [
            (None, "http://169.254.169.254"),
            (Some(""), "http://169.254.169.254"),
            (Some(" \n"), "http://169.254.169.254"),
            (Some("127.0.0.1:8080"), "http://127.0.0.1:8080"),
            (Some("localhost"), "http://localhost"),
        ] {
            let service = MetadataService::at(address.map(OsStr::new));
            assert!(
                format!("{service:?}").contains(&format!("{endpoint:?}")),
                "{service:?}"
            );
        }
    }

    #[test]
    fn an_address_that_is_none_is_a_permanent_error_that_names_the_variable() {
        for address in [
            "http://169.254.169.254",
            "metadata.example",
            "127.0.0.1:x",
            "a b",
        ] {
            let error = MetadataService::at(Some(OsStr::new(address)))
                .fetch()
                .now_or_never()
                .unwrap()
                .unwrap_err();
            assert!(
                error.is_permanent() && error.to_string().contains("YC_METADATA_ADDR"),
                "{error}"
            );
        }
    }
}
