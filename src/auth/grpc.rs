//! The layer for gRPC clients: its own errors are gRPC statuses.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::future::State;
use super::grpc_status::trailers_only;
use super::layer::AuthLayer;
use super::service::Auth;
use crate::policy::{Policy, Workflows};

impl<P> AuthLayer<P> {
    /// The same layer for gRPC clients: a request that it does not send gets a gRPC status instead
    /// of an error.
    ///
    /// # Where the token goes
    ///
    /// The URI of a tonic request has no authority: the channel decides where the request goes. Set
    /// the same origin by [`with_origin`](Self::with_origin), and the policy judges each request by it.
    /// Tonic's generated `with_origin` of a client has the same effect, as it puts an authority in
    /// the URI.
    ///
    /// Without either, the policy cannot judge the origin, and the default one attaches the
    /// credential: over a channel to `http://…` the token leaves in plain text.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower::Layer;
    /// use yandex_cloud_auth::{AuthLayer, Credential};
    ///
    /// # let channel = tower::service_fn(|_: http::Request<()>| async { Ok::<_, std::convert::Infallible>(http::Response::new(())) });
    /// // A channel to https://serverless-workflows.api.cloud.yandex.net.
    /// let channel = AuthLayer::new(Credential::iam_token("t1.abc")?)
    ///     .with_origin("https://serverless-workflows.api.cloud.yandex.net")?
    ///     .grpc()
    ///     .layer(channel);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn grpc(self) -> GrpcAuthLayer<P> {
        GrpcAuthLayer { layer: self }
    }
}

/// [`AuthLayer`] for gRPC clients, made by [`AuthLayer::grpc`].
///
/// Errors of the inner service pass unchanged, with their type. For a request that the layer does
/// not send, the response is a trailers-only one, which any gRPC client turns into a status. Its
/// metadata says that no server sent it:
///
/// | why | status | `yandex-cloud-auth` |
/// | --- | --- | --- |
/// | the policy denied the request | `PERMISSION_DENIED` | `denied` |
/// | the provider failed, and may succeed later | `UNAVAILABLE` | `no-credential` |
/// | the provider failed permanently, or is not configured | `UNAUTHENTICATED` | `no-credential` |
///
/// The message is the text of the [`AuthError`](crate::AuthError), percent-encoded and cut at 1 KiB
/// *(gRPC over HTTP/2, "Responses")*.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{AuthLayer, Credential};
/// use tower::{Layer, Service, ServiceExt};
/// # use http::{Request, Response};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let channel = tower::service_fn(|_: Request<()>| async { Ok::<_, std::convert::Infallible>(Response::new(())) });
/// let mut channel = AuthLayer::new(Credential::api_key("AQVN1")?).grpc().layer(channel);
///
/// let request = Request::post("/yandex.cloud.serverless.workflows.v1.WorkflowService/Get").body(())?;
/// let response = channel.ready().await?.call(request).await?;
/// assert_eq!(response.headers()["grpc-status"], "7");
/// assert_eq!(response.headers()["yandex-cloud-auth"], "denied");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct GrpcAuthLayer<P = Workflows> {
    layer: AuthLayer<P>,
}

impl<S, P: Clone> Layer<S> for GrpcAuthLayer<P> {
    type Service = GrpcAuth<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        GrpcAuth {
            auth: self.layer.layer(inner),
        }
    }
}

/// [`Auth`] for gRPC clients, made by [`GrpcAuthLayer`], which says what it returns for a request
/// that it does not send.
///
/// # Clone
///
/// As for [`Auth`].
///
/// # Errors
///
/// The inner service's only.
///
/// # Compile errors
///
/// As for [`Auth`], and the body of the inner service's response must have a `Default`: an empty
/// body, for the responses that the layer makes. Tonic's and axum's bodies have one.
/// Convert another body, such as hyper's `Incoming`, with `tower::ServiceExt::map_response` below
/// the layer.
///
/// # Examples
///
/// ```
/// use tower::Layer;
/// use yandex_cloud_auth::{AuthLayer, Credential, GrpcAuth};
///
/// # #[derive(Clone)]
/// # struct Channel;
/// struct Client {
///     channel: GrpcAuth<Channel>,
/// }
///
/// # let channel = Channel;
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
/// let client = Client { channel: auth.grpc().layer(channel) };
/// # let Client { channel: _ } = client;
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[derive(Clone, Debug)]
pub struct GrpcAuth<S, P = Workflows> {
    pub(super) auth: Auth<S, P>,
}

impl<S, P> GrpcAuth<S, P> {
    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        self.auth.get_ref()
    }

    /// The inner service.
    pub const fn get_mut(&mut self) -> &mut S {
        self.auth.get_mut()
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.auth.into_inner()
    }
}

impl<S, P, B, R> Service<Request<B>> for GrpcAuth<S, P>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    P: Policy + Clone,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = GrpcResponseFuture<S, P, B>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.auth.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        GrpcResponseFuture {
            state: self.auth.send(request),
        }
    }
}

pin_project! {
    /// The response future of [`GrpcAuth`].
    ///
    /// It is `Send`, `Sync` and `Unpin` as [`ResponseFuture`](crate::future::ResponseFuture) is.
    ///
    /// # Panics
    ///
    /// If polled again after it resolved.
    ///
    /// # Examples
    ///
    /// The future of a call, before it is awaited:
    ///
    /// ```
    /// use http::{Request, Response};
    /// use tower::{Layer, Service};
    /// use yandex_cloud_auth::future::GrpcResponseFuture;
    /// use yandex_cloud_auth::{AuthLayer, Credential, GrpcAuth, Workflows};
    ///
    /// fn start<S>(channel: &mut GrpcAuth<S>) -> GrpcResponseFuture<S, Workflows, String>
    /// where
    ///     S: Service<Request<String>, Response = Response<String>> + Clone,
    /// {
    ///     channel.call(Request::new(String::new()))
    /// }
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let channel = tower::service_fn(|request: Request<String>| async move {
    /// #     assert_eq!(request.headers()["authorization"], "Bearer t1.abc");
    /// #     Ok::<_, std::convert::Infallible>(Response::new(String::new()))
    /// # });
    /// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
    /// let response = start(&mut auth.grpc().layer(channel)).await?;
    /// # assert!(!response.headers().contains_key("grpc-status"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct GrpcResponseFuture<S, P, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, P, B>,
    }
}

impl<S, P, B, R> Future for GrpcResponseFuture<S, P, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    P: Policy,
    R: Default,
{
    type Output = Result<Response<R>, S::Error>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project()
            .state
            .poll(cx, |error| error, |error| Ok(trailers_only(&error)))
    }
}

impl<S: Service<Request<B>>, P, B> fmt::Debug for GrpcResponseFuture<S, P, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcResponseFuture").finish_non_exhaustive()
    }
}
