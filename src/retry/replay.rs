//! The layer that replays requests whose bodies are not `Clone`.

use std::fmt;
use std::future::Ready;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::retry::{self, Policy, Retry};
use tower_layer::Layer;
use tower_service::Service;

use super::body::ReplayBody;
use super::on_unauthorized::OnUnauthorized;

/// Keeps the body of a request, and replays the request once after a `401` or a trailers-only gRPC
/// status 16, as [`OnUnauthorized`] does.
///
/// It is for bodies that are not `Clone`, such as tonic's and reqwest's. It keeps a body that is
/// complete at once and has at most [`max_bytes`](Self::with_max_bytes) bytes, as the body of a
/// unary call is. It does not copy the data.
///
/// Any other body, such as one that is read from a file or written while it is sent, is passed on
/// as a stream, and its request is not replayed: a rejection goes to the caller. So the layer never
/// waits for a body, and streaming calls may share the client with unary ones.
///
/// Place it directly outside of the layer that authenticates, and convert the [`ReplayBody`] to the
/// body of the client inside of it. The body of the caller must implement `http_body::Body` with
/// [`Bytes`] as its data, and be `Unpin`: box one that is not.
///
/// # Examples
///
/// A tonic channel:
///
/// ```
/// use tonic::body::Body;
/// use tower::ServiceBuilder;
/// use yandex_cloud_auth::retry::{ReplayBody, ReplayLayer};
/// use yandex_cloud_auth::{AuthLayer, Credential};
///
/// # let channel = tower::service_fn(|_: http::Request<Body>| async { Ok::<_, std::io::Error>(http::Response::new(Body::empty())) });
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
/// let channel = ServiceBuilder::new()
///     .layer(ReplayLayer::new())
///     .layer(auth.grpc())
///     .map_request(|request: http::Request<ReplayBody<Body>>| request.map(Body::new))
///     .service(channel);
/// # fn assert_client<S: tonic::client::GrpcService<Body>>(_: S) {}
/// # assert_client(channel);
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ReplayLayer {
    max_bytes: usize,
}

impl ReplayLayer {
    /// Keeps bodies of up to 1 MiB.
    pub const fn new() -> Self {
        Self {
            max_bytes: 1024 * 1024,
        }
    }

    /// Sets how many bytes of a body are kept at most, until there is a response. Default: 1 MiB.
    ///
    /// The request of a longer body is sent without a replay.
    #[must_use]
    pub const fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }
}

impl Default for ReplayLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ReplayLayer {
    type Service = Replay<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Replay {
            retry: Retry::new(Once(OnUnauthorized::new()), inner),
            max_bytes: self.max_bytes,
        }
    }
}

/// A service that replays a request once after its credential was rejected, made by
/// [`ReplayLayer`].
///
/// # Errors
///
/// The inner service's only.
///
/// # Examples
///
/// A server rejects the first token, and the caller gets the response to the second:
///
/// ```
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use http::{Request, Response, StatusCode};
/// use http_body_util::Full;
/// use tower::{Layer, Service, service_fn};
/// use yandex_cloud_auth::retry::{ReplayBody, ReplayLayer};
/// use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
/// use yandex_cloud_auth::{AuthLayer, Credential, CredentialCache};
/// # use bytes::Bytes;
///
/// let (old, new) = (Credential::iam_token("t1.old")?, Credential::iam_token("t1.new")?);
/// let provider = ScriptedProvider::new().answer(old).answer(new);
/// let clock = ManualClock::new();
/// let cache = CredentialCache::builder(provider).clock(clock.clone()).build();
/// cache.get().await?;
/// clock.advance(Duration::from_secs(60)); // A new token would not be dropped.
///
/// let http_client = service_fn(|request: Request<ReplayBody<Full<Bytes>>>| async move {
///     let mut response = Response::new(());
///     if request.headers()["authorization"] == "Bearer t1.old" {
///         *response.status_mut() = StatusCode::UNAUTHORIZED;
///     }
///     Ok::<_, std::io::Error>(response)
/// });
/// let mut client = ReplayLayer::new().layer(AuthLayer::from_cache(cache).layer(http_client));
///
/// let request = Request::post("https://iam.api.cloud.yandex.net/").body(Full::from("body"))?;
/// assert_eq!(client.call(request).await?.status(), StatusCode::OK);
/// # Ok::<(), tower::BoxError>(())
/// # })?;
/// # Ok::<(), tower::BoxError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Replay<S> {
    retry: Retry<Once, S>,
    max_bytes: usize,
}

impl<S> Replay<S> {
    /// The inner service.
    pub fn get_ref(&self) -> &S {
        self.retry.get_ref()
    }

    /// The inner service.
    pub fn get_mut(&mut self) -> &mut S {
        self.retry.get_mut()
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.retry.into_inner()
    }
}

impl<S, B, R> Service<Request<B>> for Replay<S>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>> + Clone,
    B: Body<Data = Bytes> + Unpin,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ReplayFuture<S, B, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.retry.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let request = request.map(|body| ReplayBody::read(body, self.max_bytes));
        ReplayFuture {
            response: self.retry.call(request),
        }
    }
}

/// [`OnUnauthorized`] for requests that are not all `Clone`.
#[derive(Clone, Debug)]
struct Once(OnUnauthorized);

impl<B, R, E> Policy<Request<ReplayBody<B>>, Response<R>, E> for Once
where
    B: Body<Data = Bytes> + Unpin,
{
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<ReplayBody<B>>,
        result: &mut Result<Response<R>, E>,
    ) -> Option<Self::Future> {
        self.0.replay(result)
    }

    fn clone_request(
        &mut self,
        request: &Request<ReplayBody<B>>,
    ) -> Option<Request<ReplayBody<B>>> {
        if self.0.has_replayed() {
            return None;
        }
        let body = request.body().try_clone()?;
        let mut clone = Request::new(body);
        *clone.method_mut() = request.method().clone();
        *clone.uri_mut() = request.uri().clone();
        *clone.version_mut() = request.version();
        *clone.headers_mut() = request.headers().clone();
        *clone.extensions_mut() = request.extensions().clone();
        Some(clone)
    }
}

pin_project! {
    /// The response future of [`Replay`].
    ///
    /// # Examples
    ///
    /// The future of a call, before it is awaited:
    ///
    /// ```
    /// use http::{Request, Response};
    /// use http_body_util::Full;
    /// use tower::{Layer, Service};
    /// use yandex_cloud_auth::retry::{Replay, ReplayBody, ReplayFuture, ReplayLayer};
    /// # use bytes::Bytes;
    ///
    /// fn start<S>(client: &mut Replay<S>) -> ReplayFuture<S, Full<Bytes>, ()>
    /// where
    ///     S: Service<Request<ReplayBody<Full<Bytes>>>, Response = Response<()>> + Clone,
    /// {
    ///     client.call(Request::new(Full::from("body")))
    /// }
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let client = tower::service_fn(|_| async {
    /// #     Ok::<_, std::convert::Infallible>(Response::new(()))
    /// # });
    /// let response = start(&mut ReplayLayer::new().layer(client)).await?;
    /// # Ok::<(), std::convert::Infallible>(())
    /// # }).unwrap()?;
    /// # Ok::<(), std::convert::Infallible>(())
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct ReplayFuture<S, B, R>
    where
        S: Service<Request<ReplayBody<B>>, Response = Response<R>>,
        B: Body<Data = Bytes>,
        B: Unpin,
    {
        #[pin]
        response: retry::future::ResponseFuture<Once, S, Request<ReplayBody<B>>>,
    }
}

impl<S, B, R> Future for ReplayFuture<S, B, R>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>> + Clone,
    B: Body<Data = Bytes> + Unpin,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().response.poll(cx)
    }
}

impl<S, B, R> fmt::Debug for ReplayFuture<S, B, R>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>>,
    B: Body<Data = Bytes> + Unpin,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayFuture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Version, header};
    use http_body_util::Full;

    use super::*;

    #[test]
    fn replayed_request_has_the_same_head() {
        let request = Request::put("https://api.cloud.yandex.net/x?y")
            .version(Version::HTTP_2)
            .header(header::ACCEPT, "text/plain")
            .extension("an extension")
            .body(ReplayBody::read(Full::new(Bytes::from_static(b"a")), 1))
            .unwrap();
        let mut policy = Once(OnUnauthorized::new());
        let clone = Policy::<_, Response<()>, ()>::clone_request(&mut policy, &request).unwrap();
        assert_eq!(clone.method(), Method::PUT);
        assert_eq!(clone.uri(), request.uri());
        assert_eq!(clone.version(), Version::HTTP_2);
        assert_eq!(clone.headers(), request.headers());
        assert_eq!(clone.extensions().get(), Some(&"an extension"));
    }
}
