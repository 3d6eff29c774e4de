//! The default chain: the first configured source wins.

use std::borrow::Cow;
use std::env;
use std::ffi::OsString;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;
use zeroize::Zeroizing;

use super::service_account::NAME;
use super::shared::small_file::{FileState, SmallFile};
use super::shared::text::looks_like_api_key;
use super::{Chain, EnvCredential, MetadataService, ServiceAccountKey};
use crate::credential::Credential;
use crate::error::{BoxError, ProviderError};
use crate::policy::Region;
use crate::provider::CredentialProvider;
use crate::redact;
use crate::transport::Transport;
use crate::variable::without_quotes;

const VARIABLE: &str = "YC_SERVICE_ACCOUNT_KEY_FILE";

/// The default chain. The first source that is configured wins:
///
/// 1. [`ServiceAccountKey`]: the variable `YC_SERVICE_ACCOUNT_KEY_FILE`, which holds the path of an
///    authorized key's file or its JSON text;
/// 2. [`EnvCredential`]: `YC_API_KEY`, `YC_IAM_TOKEN`, or one of `IAM_TOKEN` and `YC_TOKEN` that
///    looks like an IAM token;
/// 3. [`MetadataService`]: the service account of this virtual machine, function or container. The
///    chain waits at most one second for it.
///
/// The variable `YC_ENDPOINT` names the [`Region`] of the key: see [`Region::from_env`]. The default
/// policy, [`Workflows`](crate::Workflows), trusts the hosts of that region, too.
///
/// An empty variable counts as unset. White space, a byte order mark and a pair of quotes around
/// the values of `YC_SERVICE_ACCOUNT_KEY_FILE` and `YC_ENDPOINT` are removed. If a source is
/// configured and fails, its error is the error of the chain. If none is configured, the error lists
/// the reason of each. This function reads `YC_METADATA_ADDR`; everything else is read at a fetch.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{CredentialCache, default_chain};
///
/// let cache = CredentialCache::new(default_chain());
/// ```
pub fn default_chain() -> Chain {
    chain(None, Transport::default())
}

/// [`default_chain`] in this region, whatever `YC_ENDPOINT` says.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{AuthLayer, ExecutionOnly, Policy, Region, TrustedOrigins, default_chain_in};
///
/// let region = Region::kazakhstan();
/// let policy = TrustedOrigins::region(&region).and(ExecutionOnly);
/// let auth = AuthLayer::new(default_chain_in(&region)).with_policy(policy);
/// ```
pub fn default_chain_in(region: &Region) -> Chain {
    chain(Some(region.clone()), Transport::default())
}

/// [`default_chain`], whose network providers use this tower service: also the metadata service, so
/// a service that goes through a proxy must not send the link-local `http` requests there.
///
/// [`ServiceAccountKey::with_transport`] describes what the service must be.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "hyper-client")]
/// # {
/// use std::time::Duration;
/// use yandex_cloud_auth::{CredentialCache, HttpsTransport, default_chain_with};
///
/// let transport = HttpsTransport::builder().connect_timeout(Duration::from_secs(3)).build();
/// let cache = CredentialCache::new(default_chain_with(transport));
/// # }
/// ```
pub fn default_chain_with<S, B>(transport: S) -> Chain
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    chain(None, Transport::new(transport))
}

fn chain(region: Option<Region>, transport: Transport) -> Chain {
    let metadata = MetadataService::new().through(transport.clone());
    let key = KeyInVariable {
        region,
        transport,
        file_state: Arc::default(),
    };
    Chain::new()
        .or_named("ServiceAccountKey", key)
        .or(EnvCredential::new())
        .or(metadata)
}

/// The key that the variable names or holds. The variable is read at each fetch, so that a chain
/// can be made before it is set.
struct KeyInVariable {
    /// The region of `YC_ENDPOINT`, if `None`.
    region: Option<Region>,
    transport: Transport,
    file_state: Arc<FileState>,
}

impl CredentialProvider for KeyInVariable {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let key = self.key().map_err(|error| error.with_provider(NAME))?;
        key.through(self.transport.clone()).fetch().await
    }

    fn name(&self) -> Cow<'static, str> {
        NAME.into()
    }
}

impl KeyInVariable {
    fn key(&self) -> Result<ServiceAccountKey, ProviderError> {
        let key = key_in(env::var_os(VARIABLE), &self.file_state)?;
        let region = self.region(env::var_os(Region::VARIABLE))?;
        Ok(key.with_region(&region))
    }

    fn region(&self, variable: Option<OsString>) -> Result<Region, ProviderError> {
        match &self.region {
            Some(region) => Ok(region.clone()),
            None => region_in(variable),
        }
    }
}

fn region_in(value: Option<OsString>) -> Result<Region, ProviderError> {
    Region::from_variable(value).map_err(|_| {
        ProviderError::permanent(
            "YC_ENDPOINT is not the domain of an API: it must be a host such as \
             api.yandexcloud.kz, with or without port 443",
        )
    })
}

fn key_in(
    value: Option<OsString>,
    file_state: &Arc<FileState>,
) -> Result<ServiceAccountKey, ProviderError> {
    // The text may be a key, which is zeroed.
    let text = match value.unwrap_or_default().into_string() {
        Ok(text) => Zeroizing::new(text),
        // A path need not be UTF-8. A key is.
        Err(path) => return Ok(in_file(path, file_state)),
    };
    match without_quotes(&text) {
        "" => Err(ProviderError::not_configured(format!(
            "{VARIABLE} is not set"
        ))),
        json if json.starts_with('{') => ServiceAccountKey::from_json(json),
        text => match no_path(text) {
            Some(reason) => Err(ProviderError::permanent(format!("{VARIABLE} {reason}"))),
            None => Ok(in_file(text.into(), file_state)),
        },
    }
}

fn in_file(path: OsString, state: &Arc<FileState>) -> ServiceAccountKey {
    ServiceAccountKey::in_file(SmallFile::with_state(path, Arc::clone(state)))
}

/// Why the value is not a path. It never quotes the value, which may be a secret.
fn no_path(text: &str) -> Option<&'static str> {
    if looks_like_api_key(text) {
        return Some(
            "looks like an API key, where the path of a key file or its JSON is expected: put an API key in YC_API_KEY",
        );
    }
    if text.contains("-----BEGIN") && !text.contains('{') {
        return Some(
            "holds a private key alone (PEM): it must hold the whole JSON that `yc iam key create` wrote, or the path of that file",
        );
    }
    let is_absolute_path = text.starts_with('/') && !text.contains(['\n', '\r']);
    if redact::starts_like_secret(text) || (redact::is_no_name(text) && !is_absolute_path) {
        return Some(
            "holds neither the path of a key file nor its JSON, and is not shown, since it may be a secret: it must hold the JSON that `yc iam key create` wrote, not encoded, or the path of that file",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll};

    use super::*;

    const KEY: &str = include_str!("../../tests/fixtures/service_account_key.json");

    fn key(value: &str) -> Result<ServiceAccountKey, ProviderError> {
        key_in(Some(value.into()), &Arc::default())
    }

    #[test]
    fn empty_variable_is_not_configured() {
        for unset in [
            key_in(None, &Arc::default()),
            key(""),
            key(" \n"),
            key("''"),
        ] {
            let error = unset.unwrap_err();
            assert!(error.is_not_configured());
            assert_eq!(error.to_string(), "YC_SERVICE_ACCOUNT_KEY_FILE is not set");
        }
    }

    #[test]
    fn endpoint_variable_names_region() {
        for (value, region) in [
            (None, Region::russia()),
            (Some(""), Region::russia()),
            (Some("api.cloud.yandex.net:443"), Region::russia()),
            (Some(" 'api.yandexcloud.kz'\n"), Region::kazakhstan()),
        ] {
            assert_eq!(
                region_in(value.map(Into::into)).unwrap(),
                region,
                "{value:?}"
            );
        }
        let error = region_in(Some("canary:1".into())).unwrap_err();
        let text = error.to_string();
        assert!(
            error.is_permanent() && text.contains("YC_ENDPOINT is not"),
            "{text}"
        );
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn given_region_precedes_variable() {
        let key = |region| KeyInVariable {
            region,
            transport: Transport::default(),
            file_state: Arc::default(),
        };
        let variable = || Some("api.example.net".into());
        let given = key(Some(Region::kazakhstan())).region(variable());
        assert_eq!(given.unwrap(), Region::kazakhstan());
        let named = key(None).region(variable());
        assert_eq!(named.unwrap().domain(), "api.example.net");
    }

    #[test]
    fn variable_holds_path_or_key() {
        for (value, shown) in [
            (format!("\n {KEY}"), "ajekey"),
            (format!("\u{feff}{KEY}"), "ajekey"),
            (format!("'{KEY}'"), "ajekey"),
            (format!("\"{KEY}\"\n"), "ajekey"),
            ("/etc/key.json".into(), "\"/etc/key.json\""),
            ("\"/etc/key.json\"".into(), "\"/etc/key.json\""),
            ("keys/t1-key.json".into(), "\"keys/t1-key.json\""),
            (format!("/{}", "long/".repeat(60)), "not shown"),
            ("/etc/{key}".into(), "not shown"),
        ] {
            let text = format!("{:?}", key(&value).unwrap());
            assert!(text.contains(shown), "{text}");
        }
    }

    #[test]
    fn value_that_may_be_secret_is_not_shown() {
        for (value, hint) in [
            ("{canary", "not JSON"),
            ("[{\"canary\":1}]", "neither the path"),
            ("Y2FuYXJ5canary".repeat(20).as_str(), "neither the path"),
            ("t1.canary", "neither the path"),
            ("AQVNcanary", "put an API key in YC_API_KEY"),
            (
                "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n",
                "holds a private key alone",
            ),
        ] {
            let error = key(value).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(error.is_permanent(), "{text}");
            assert!(text.contains(hint) && !text.contains("canary"), "{text}");
        }
    }

    /// Counts its clones, and refuses every request.
    struct Counted(Arc<AtomicUsize>);

    impl Clone for Counted {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, Ordering::SeqCst);
            Self(Arc::clone(&self.0))
        }
    }

    impl Service<Request<Full<Bytes>>> for Counted {
        type Response = Response<Full<Bytes>>;
        type Error = BoxError;
        type Future = Ready<Result<Self::Response, BoxError>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
            ready(Err("refused".into()))
        }
    }

    #[test]
    fn sources_share_one_transport() {
        let clones = Arc::new(AtomicUsize::new(0));
        let chain = default_chain_with(Counted(Arc::clone(&clones)));
        assert_eq!(clones.load(Ordering::SeqCst), 0, "of building the chain");
        drop(chain);
    }

    #[test]
    fn sources_have_documented_order() {
        assert_eq!(
            format!("{:?}", default_chain()),
            r#"Chain ["ServiceAccountKey", "EnvCredential", "MetadataService"]"#
        );
    }
}
