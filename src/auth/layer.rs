//! The layer: a cache and a policy, to be put around services.

use tower_layer::Layer;

use super::grpc::GrpcAuthLayer;
use super::service::Auth;
use crate::cache::CredentialCache;
use crate::policy::{Policy, Workflows};
use crate::provider::CredentialProvider;

/// Wraps HTTP services so that their requests carry a credential.
///
/// Put it innermost, next to the client: time-outs, retries and limits go outside of it, and what
/// its policy judges is what is sent. Below it, nothing may follow redirects (reqwest's client does
/// unless told not to) or rewrite the target.
///
/// # Clone
///
/// Clones, and the services they made, share one cache.
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
}

impl AuthLayer {
    /// A layer over a new cache of what `provider` fetches, under the default policy,
    /// [`Workflows`].
    pub fn new(provider: impl CredentialProvider) -> Self {
        Self::from_cache(CredentialCache::new(provider))
    }

    /// A layer over a cache that others may share, under the default policy, [`Workflows`].
    pub fn from_cache(cache: CredentialCache) -> Self {
        Self {
            cache,
            policy: Workflows::new(),
        }
    }
}

impl<P> AuthLayer<P> {
    /// The same layer under another policy.
    pub fn with_policy<Q: Policy>(self, policy: Q) -> AuthLayer<Q> {
        AuthLayer {
            cache: self.cache,
            policy,
        }
    }

    /// The cache that all clones share.
    pub const fn cache(&self) -> &CredentialCache {
        &self.cache
    }

    /// The same layer for gRPC clients: what it refuses becomes a gRPC status instead of an error.
    pub fn grpc(self) -> GrpcAuthLayer<P> {
        GrpcAuthLayer::new(self)
    }
}

impl<S, P: Clone> Layer<S> for AuthLayer<P> {
    type Service = Auth<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Auth::new(inner, self.cache.clone(), self.policy.clone())
    }
}
