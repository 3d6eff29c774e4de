//! The layer: a cache and a policy for the services it wraps.

use std::sync::Arc;

use tower_layer::Layer;

use super::extras::Extras;
use super::service::Auth;
use crate::cache::{CredentialCache, LocalCredential};
use crate::credential::{Credential, Scheme};
use crate::policy::{InvalidRule, Origin, Policy, Workflows};
use crate::provider::CredentialProvider;

/// Wraps HTTP services so that their requests carry a credential.
///
/// Make it the innermost layer, next to the client. Timeouts, retries and limits go outside of it,
/// so that they cover the wait for a credential and each attempt gets the current one. Nothing
/// below it may rewrite the target or follow redirects (reqwest's client follows them unless it is
/// configured not to), since the policy judges the request that the layer sees.
///
/// # Clone
///
/// Clones share one cache, also with the services they made.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tower::{ServiceBuilder, ServiceExt};
/// use yandex_cloud_auth::{AuthLayer, Credential};
/// # use http::{Request, Response};
///
/// # let rt = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// # rt.block_on(async {
/// # let http_client = tower::service_fn(|request: Request<()>| async move {
/// #     assert_eq!(request.headers()["authorization"], "Bearer t1.abc");
/// #     Ok::<_, std::io::Error>(Response::new(()))
/// # });
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
/// let client = ServiceBuilder::new().timeout(Duration::from_secs(10)).layer(auth).service(http_client);
///
/// let request = Request::get("https://serverless-workflows.api.cloud.yandex.net/workflows/v1/execution").body(())?;
/// assert!(client.oneshot(request).await.is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct AuthLayer<P = Workflows> {
    cache: CredentialCache,
    policy: P,
    extras: Option<Arc<Extras>>,
}

impl AuthLayer {
    /// A layer over a new cache of `provider`'s credential, with the default policy, [`Workflows`].
    pub fn new(provider: impl CredentialProvider) -> Self {
        Self::from_cache(CredentialCache::new(provider))
    }

    /// A layer over a cache that others may share, with the default policy, [`Workflows`].
    ///
    /// # Examples
    ///
    /// Two services of one identity, with a policy each and one token:
    ///
    /// ```
    /// use yandex_cloud_auth::{ApiKeyRules, AuthLayer, Credential, CredentialCache};
    /// use yandex_cloud_auth::{Policy, TrustedOrigins};
    ///
    /// let cache = CredentialCache::new(Credential::iam_token("t1.abc")?);
    /// let workflows = AuthLayer::from_cache(cache.clone());
    /// let policy = TrustedOrigins::yandex_cloud().and(ApiKeyRules::none());
    /// let storage = AuthLayer::from_cache(cache).with_policy(policy);
    /// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
    /// ```
    pub fn from_cache(cache: CredentialCache) -> Self {
        Self {
            cache,
            policy: Workflows::new(),
            extras: None,
        }
    }
}

impl<P> AuthLayer<P> {
    /// The same layer with another policy.
    #[must_use]
    pub fn with_policy<Q: Policy>(self, policy: Q) -> AuthLayer<Q> {
        AuthLayer {
            cache: self.cache,
            policy,
            extras: self.extras,
        }
    }

    /// Adds an API key: one client, two identities.
    ///
    /// The policy is called with the key first. If it returns
    /// [`Attach`](crate::Decision::Attach), the request carries the key, and nothing is fetched.
    /// If it returns [`Deny`](crate::Decision::Deny), it is called again with the provider's
    /// credential. [`Skip`](crate::Decision::Skip) is final: the request is sent without
    /// credentials.
    ///
    /// An IAM token is no such key, and is ignored: it would replace the provider, and end.
    ///
    /// The key is static: a `401` to it goes to the caller, drops nothing and causes no replay. A
    /// key that has reached its [expiry](Credential::with_expiry) is no longer used; a
    /// [lifetime](Credential::with_lifetime) does not count here, as no cache receives the key.
    ///
    /// # Examples
    ///
    /// Execution methods with the key, the rest of the Workflows API with an IAM token:
    ///
    /// ```
    /// use tower::{Layer, Service, ServiceExt};
    /// use yandex_cloud_auth::{AuthLayer, Credential};
    /// # use http::{Request, Response};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let client = tower::service_fn(|request: Request<()>| async move {
    /// #     Ok::<_, std::io::Error>(Response::new(request.headers()["authorization"].clone()))
    /// # });
    /// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?)
    ///     .with_api_key(Credential::api_key("AQVN1")?);
    /// let mut client = auth.layer(client);
    ///
    /// let workflows = "https://serverless-workflows.api.cloud.yandex.net/workflows/v1";
    /// let start = Request::post(format!("{workflows}/execution/start")).body(())?;
    /// let list = Request::get(format!("{workflows}/workflow")).body(())?;
    /// let response = client.ready().await?.call(start).await?; // with the key
    /// # assert_eq!(response.body(), "Api-Key AQVN1");
    /// let response = client.ready().await?.call(list).await?; // with the token
    /// # assert_eq!(response.body(), "Bearer t1.abc");
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).unwrap().map_err(|error| error.to_string())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_api_key(mut self, key: Credential) -> Self {
        self.extras().api_key = Some(key).filter(|key| key.scheme() == Scheme::ApiKey);
        self
    }

    /// Sets the origin to which the client sends a request whose URI has no authority: the policy
    /// judges such a request as sent there.
    ///
    /// Tonic's clients make such requests, so set it where [`grpc`](Self::grpc) is used. Written
    /// `https://host` or `https://host:port`. It must be the origin that the transport connects to,
    /// as nothing here can check that. The request itself is not changed, and an authority in the
    /// URI takes precedence.
    ///
    /// # Errors
    ///
    /// [`InvalidRule`] if the text is no origin. One that the policy does not trust is accepted
    /// here; the policy then denies each request.
    ///
    /// # Examples
    ///
    /// ```
    /// use yandex_cloud_auth::{AuthLayer, Credential};
    ///
    /// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?)
    ///     .with_origin("https://serverless-workflows.api.cloud.yandex.net")?
    ///     .grpc();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_origin(mut self, origin: impl AsRef<str>) -> Result<Self, InvalidRule> {
        self.extras().origin = Some(Origin::parse(origin.as_ref())?);
        Ok(self)
    }

    /// The cache that all clones share.
    pub const fn cache(&self) -> &CredentialCache {
        &self.cache
    }

    fn extras(&mut self) -> &mut Extras {
        Arc::make_mut(self.extras.get_or_insert_default())
    }
}

impl<S, P: Clone> Layer<S> for AuthLayer<P> {
    type Service = Auth<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Auth {
            inner,
            policy: self.policy.clone(),
            cache: self.cache.clone(),
            local: LocalCredential::default(),
            extras: self.extras.clone(),
        }
    }
}
