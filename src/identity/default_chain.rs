//! Whoever this program is, by what it finds around it.

use std::env;
use std::ffi::OsString;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::{Chain, EnvCredential, MetadataService, ServiceAccountKey};
use crate::credential::Credential;
use crate::error::{BoxError, ProviderError};
use crate::provider::CredentialProvider;
use crate::transport::Transport;

const VARIABLE: &str = "YC_SERVICE_ACCOUNT_KEY_FILE";

/// Whoever this program is, by what it finds around it. The first source that is configured wins:
///
/// 1. [`ServiceAccountKey`]: the variable `YC_SERVICE_ACCOUNT_KEY_FILE`, the path of an authorized
///    key's file or the JSON itself;
/// 2. [`EnvCredential`]: `YC_API_KEY`, `API_KEY`, `YC_IAM_TOKEN`, `IAM_TOKEN`, or `YC_TOKEN` where
///    it looks like an IAM token;
/// 3. [`MetadataService`]: the account attached to this virtual machine, function or container,
///    waited for one second at most.
///
/// An empty variable counts as unset. A source that is configured and fails ends the walk, and its
/// error is the chain's. Where none is configured, the error lists each with its reason. All of it
/// happens at a fetch: this reads `YC_METADATA_ADDR` and no more.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{CredentialCache, default_chain};
///
/// let cache = CredentialCache::new(default_chain());
/// ```
pub fn default_chain() -> Chain {
    chain(Transport::default(), MetadataService::new())
}

/// [`default_chain`], whose network providers ask through this tower service. What it must be is
/// said at [`ServiceAccountKey::with_transport`].
pub fn default_chain_with<S, B>(transport: S) -> Chain
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let metadata = MetadataService::new().with_transport(transport.clone());
    chain(Transport::new(transport), metadata)
}

fn chain(transport: Transport, metadata: MetadataService) -> Chain {
    let key = KeyInVariable { transport };
    Chain::new()
        .or_named("ServiceAccountKey", key)
        .or(EnvCredential::new())
        .or(metadata)
}

/// The key that the variable names or holds. Looked at anew for each fetch, so that a chain can be
/// made before it is readable.
struct KeyInVariable {
    transport: Transport,
}

impl CredentialProvider for KeyInVariable {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let key = key_in(env::var_os(VARIABLE))
            .map_err(|error| error.with_provider("service account key"))?;
        key.through(self.transport.clone()).fetch().await
    }
}

fn key_in(value: Option<OsString>) -> Result<ServiceAccountKey, ProviderError> {
    let value = value.filter(|value| !value.to_string_lossy().trim().is_empty());
    let value =
        value.ok_or_else(|| ProviderError::not_configured(format!("{VARIABLE} is not set")))?;
    match value.to_str() {
        Some(json) if json.trim_start().starts_with('{') => ServiceAccountKey::from_json(json),
        _ => Ok(ServiceAccountKey::in_file(value.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_holds_a_path_or_the_key_itself_and_empty_counts_as_unset() {
        for unset in [None, Some(""), Some(" \n")] {
            let error = key_in(unset.map(Into::into)).unwrap_err();
            assert!(error.is_not_configured());
            assert_eq!(error.to_string(), "YC_SERVICE_ACCOUNT_KEY_FILE is not set");
        }
        let json = include_str!("../../tests/fixtures/service_account_key.json");
        assert!(
            format!("{:?}", key_in(Some(format!("\n {json}").into())).unwrap()).contains("ajekey")
        );
        assert!(
            format!("{:?}", key_in(Some("/etc/key.json".into())).unwrap())
                .contains("/etc/key.json")
        );
        assert!(key_in(Some("{canary".into())).unwrap_err().is_permanent());
    }

    #[test]
    fn key_file_environment_and_metadata_are_asked_in_this_order() {
        assert_eq!(
            format!("{:?}", default_chain()),
            r#"Chain ["ServiceAccountKey", "EnvCredential", "MetadataService"]"#
        );
    }
}
