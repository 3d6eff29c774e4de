//! The service.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::extras::Extras;
use super::future::ResponseFuture;
use crate::cache::{CredentialCache, LocalCredential};
use crate::error::BoxError;
use crate::policy::{Policy, Workflows};

/// An HTTP service whose requests carry a credential, made by [`AuthLayer`](crate::AuthLayer).
///
/// If the policy allows it, each request gets exactly one `Authorization`: that of the cached
/// credential, whatever the caller set. If there is no usable credential, the request waits in the
/// response future, where an outer `Timeout` covers it. `poll_ready` reports the inner service
/// only. A request that is not sent leaves the inner service unreserved.
///
/// A `401`, or a trailers-only gRPC response with status 16, drops the credential that was sent,
/// within limits. A `403` never does.
///
/// # Clone
///
/// Clones share the cache, and clone the inner service and the policy. Each makes its own copy of
/// the header value when it sends a credential for the second time.
///
/// # Errors
///
/// The inner service's, or an [`AuthError`](crate::AuthError) if the request was not sent.
///
/// # Compile errors
///
/// `Auth` is a service only if the inner service
///
/// * implements `Service<http::Request<_>>` with `http::Response<_>` as its response,
/// * is `Clone`: wrap one that is not in `tower::buffer::Buffer`,
/// * has an error type that converts into `Box<dyn Error + Send + Sync>`,
///
/// and if the policy is `Clone`: wrap one that is not in an `Arc`. If one of these is missing, the
/// compiler says of `oneshot` and `ready` only that trait bounds were not satisfied. A function
/// with the bound itself makes it name the cause:
///
/// ```
/// use tower::{Layer, Service};
/// # use yandex_cloud_auth::{AuthLayer, Credential};
/// # let client = tower::service_fn(|_: http::Request<String>| async { Ok::<_, std::io::Error>(http::Response::new(())) });
/// # let service = AuthLayer::new(Credential::iam_token("t1.abc")?).layer(client);
///
/// fn assert_service<B, S: Service<http::Request<B>>>(_: &S) {}
/// assert_service::<String, _>(&service); // "the trait `Clone` is not implemented for …"
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[derive(Clone)]
pub struct Auth<S, P = Workflows> {
    pub(super) inner: S,
    pub(super) policy: P,
    pub(super) cache: CredentialCache,
    pub(super) local: LocalCredential,
    pub(super) extras: Option<Arc<Extras>>,
}

impl<S, P> Auth<S, P> {
    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, P, B, R> Service<Request<B>> for Auth<S, P>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    P: Policy + Clone,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = ResponseFuture<S, P, B>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        ResponseFuture::new(self.send(request))
    }
}

impl<S: fmt::Debug, P: fmt::Debug> fmt::Debug for Auth<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("inner", &self.inner)
            .field("policy", &self.policy)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::Ready;
    use std::mem::size_of;

    use super::*;

    /// An inner service whose future is as large as a response.
    type Client =
        tower::util::ServiceFn<fn(Request<()>) -> Ready<Result<Response<[u64; 9]>, Infallible>>>;

    #[test]
    fn service_adds_32_bytes_and_future_16() {
        let inner = size_of::<<Client as Service<Request<()>>>::Future>();
        assert_eq!(
            size_of::<ResponseFuture<Client, Workflows, ()>>() - inner,
            16
        );
        assert_eq!(size_of::<Auth<[usize; 4]>>() - size_of::<[usize; 4]>(), 32);
    }
}
