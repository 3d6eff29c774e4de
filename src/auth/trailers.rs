//! The layer for gRPC clients that also reads the status in the trailers.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::challenge::{Handled, is_unauthenticated};
use super::future::State;
use super::grpc::{GrpcAuth, GrpcAuthLayer};
use super::grpc_status::trailers_only;
use crate::cache::{self, CacheId};
use crate::policy::{Policy, Workflows};

impl<P> GrpcAuthLayer<P> {
    /// The same layer, whose services also read the status in the trailers: status 16,
    /// `UNAUTHENTICATED`, drops the credential that was sent, as a trailers-only response does.
    ///
    /// Servers that check credentials before they respond send status 16 in a trailers-only
    /// response, and need no watching. Use this where a server checks them later, such as in a long
    /// stream whose token expires meanwhile.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower::Layer;
    /// use yandex_cloud_auth::{AuthLayer, Credential, WatchTrailers};
    ///
    /// # #[derive(Clone)]
    /// # struct Channel;
    /// struct Client {
    ///     channel: WatchTrailers<Channel>,
    /// }
    ///
    /// # let channel = Channel;
    /// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?).grpc().watch_trailers();
    /// let client = Client { channel: auth.layer(channel) };
    /// # let Client { channel: _ } = client;
    /// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
    /// ```
    #[must_use]
    pub const fn watch_trailers(self) -> WatchTrailersLayer<P> {
        WatchTrailersLayer { layer: self }
    }
}

/// [`GrpcAuthLayer`] that also reads the status in the trailers, made by
/// [`GrpcAuthLayer::watch_trailers`].
///
/// # Examples
///
/// A server ends a stream with status 16, and the cache counts the rejection:
///
/// ```
/// use http_body_util::BodyExt;
/// use tower::{Layer, Service};
/// use yandex_cloud_auth::{AuthLayer, Credential};
/// # use bytes::Bytes;
/// # use http::{Request, Response};
/// # use http_body_util::Full;
/// # use tonic::body::Body;
/// # use tower::BoxError;
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let channel = tower::service_fn(|_: Request<()>| async {
/// #     let trailers = http::HeaderMap::from_iter([("grpc-status".parse()?, "16".parse()?)]);
/// #     let body = Full::<Bytes>::default().with_trailers(async { Some(Ok(trailers)) });
/// #     Ok::<_, BoxError>(Response::new(Body::new(body)))
/// # });
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
/// let mut channel = auth.clone().grpc().watch_trailers().layer(channel);
///
/// let response = channel.call(Request::new(())).await?;
/// assert_eq!(auth.cache().status().rejections(), 0);
/// let trailers = response.into_body().collect().await?;
/// assert_eq!(auth.cache().status().rejections(), 1);
/// # assert_eq!(trailers.trailers().unwrap()["grpc-status"], "16");
/// # Ok::<(), BoxError>(())
/// # }).unwrap()?;
/// # Ok::<(), BoxError>(())
/// ```
#[derive(Clone, Debug)]
pub struct WatchTrailersLayer<P = Workflows> {
    layer: GrpcAuthLayer<P>,
}

impl<S, P: Clone> Layer<S> for WatchTrailersLayer<P> {
    type Service = WatchTrailers<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        WatchTrailers {
            grpc: self.layer.layer(inner),
        }
    }
}

/// [`GrpcAuth`] that also reads the status in the trailers, made by [`WatchTrailersLayer`].
///
/// The body of its responses is a [`WatchedBody`], which passes each frame on at once and
/// unchanged. A body that is dropped before its trailers arrive reports nothing, and no request is
/// replayed: its response has been given to the caller.
///
/// If the inner service contains another layer of this crate, whose credential replaces the one of
/// this layer, the inner layer is the one to watch the trailers.
///
/// # Clone
///
/// As for [`Auth`](crate::Auth).
///
/// # Errors
///
/// The inner service's only.
///
/// # Examples
///
/// [`GrpcAuthLayer::watch_trailers`] has a client with this type in a field, and
/// [`WatchTrailersLayer`] a stream that ends with status 16. The inner service can be reached:
///
/// ```
/// use tower::Layer;
/// use yandex_cloud_auth::{AuthLayer, Credential};
///
/// # #[derive(Clone, Debug, PartialEq)]
/// # struct Channel;
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?).grpc().watch_trailers();
/// let watched = auth.layer(Channel);
/// assert_eq!(watched.get_ref(), &Channel);
/// assert_eq!(watched.into_inner(), Channel);
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[derive(Clone, Debug)]
pub struct WatchTrailers<S, P = Workflows> {
    grpc: GrpcAuth<S, P>,
}

impl<S, P> WatchTrailers<S, P> {
    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        self.grpc.get_ref()
    }

    /// The inner service.
    pub const fn get_mut(&mut self) -> &mut S {
        self.grpc.get_mut()
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.grpc.into_inner()
    }
}

impl<S, P, B, R> Service<Request<B>> for WatchTrailers<S, P>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    P: Policy + Clone,
    R: Default,
{
    type Response = Response<WatchedBody<R>>;
    type Error = S::Error;
    type Future = WatchTrailersFuture<S, P, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.grpc.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        WatchTrailersFuture {
            state: self.grpc.auth.send(request),
        }
    }
}

pin_project! {
    /// The response future of [`WatchTrailers`].
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
    /// use yandex_cloud_auth::future::WatchTrailersFuture;
    /// use yandex_cloud_auth::{AuthLayer, Credential, WatchTrailers, WatchedBody, Workflows};
    ///
    /// fn start<S>(channel: &mut WatchTrailers<S>) -> WatchTrailersFuture<S, Workflows, String>
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
    /// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?).grpc().watch_trailers();
    /// let response: Response<WatchedBody<String>> = start(&mut auth.layer(channel)).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct WatchTrailersFuture<S, P, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, P, B>,
    }
}

impl<S, P, B, R> Future for WatchTrailersFuture<S, P, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    P: Policy,
    R: Default,
{
    type Output = Result<Response<WatchedBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let polled = state
            .as_mut()
            .poll(cx, |error| error, |error| Ok(trailers_only(&error)));
        let response = ready!(polled)?;
        Poll::Ready(Ok(watch(response, state.credential())))
    }
}

/// Wraps the body. Nothing is reported for a response that is handled already: by this layer, if
/// its headers reject the credential, or by an inner one, whose credential was sent.
fn watch<R>(
    mut response: Response<R>,
    credential: Option<(CacheId, u64)>,
) -> Response<WatchedBody<R>> {
    let credential = credential.filter(|_| response.extensions_mut().insert(Handled).is_none());
    response.map(|body| WatchedBody { body, credential })
}

impl<S: Service<Request<B>>, P, B> fmt::Debug for WatchTrailersFuture<S, P, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchTrailersFuture")
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The body of a response of [`WatchTrailers`].
    ///
    /// Its frames, size and end are those of the body within.
    ///
    /// # Examples
    ///
    /// A client with a body of its own takes the watched one as any other body:
    ///
    /// ```
    /// use http_body_util::{BodyExt, Full};
    /// use tonic::body::Body;
    /// use tower::{Layer, Service};
    /// use yandex_cloud_auth::{AuthLayer, Credential, WatchedBody};
    /// # use bytes::Bytes;
    /// # use http::{Request, Response};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let channel = tower::service_fn(|_: Request<()>| async {
    /// #     Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("abc")))
    /// # });
    /// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?).grpc().watch_trailers();
    /// let response: Response<WatchedBody<Full<Bytes>>> =
    ///     auth.layer(channel).call(Request::new(())).await?;
    /// let body = Body::new(response.into_body());
    /// assert_eq!(body.collect().await?.to_bytes(), "abc");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Debug)]
    pub struct WatchedBody<B> {
        #[pin]
        body: B,
        // The cache and the generation of the credential that was sent, until it is reported.
        credential: Option<(CacheId, u64)>,
    }
}

impl<B: Body> Body for WatchedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            if frame.trailers_ref().is_some_and(is_unauthenticated) {
                report(this.credential);
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cold]
fn report(credential: &mut Option<(CacheId, u64)>) {
    if let Some((cache, generation)) = credential.take() {
        cache::reject(cache, generation);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures_util::FutureExt;
    use http::HeaderMap;

    use super::*;
    use crate::{AuthLayer, Credential};

    /// One frame of data, then trailers.
    #[derive(Default)]
    struct Frames(Vec<Frame<Bytes>>);

    impl Body for Frames {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop().map(Ok))
        }

        fn is_end_stream(&self) -> bool {
            self.0.is_empty()
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0.len() as u64)
        }
    }

    #[test]
    fn body_is_passed_on_unchanged() {
        let trailers: HeaderMap = [(super::super::challenge::GRPC_STATUS, "16".parse().unwrap())]
            .into_iter()
            .collect();
        let frames = vec![
            Frame::trailers(trailers),
            Frame::data(Bytes::from_static(b"a")),
        ];
        let body = WatchedBody {
            body: Frames(frames),
            credential: None,
        };
        let mut body = Box::pin(body);
        let mut context = Context::from_waker(futures_util::task::noop_waker_ref());
        let mut next = |body: &mut Pin<Box<WatchedBody<Frames>>>| {
            let state = (body.is_end_stream(), body.size_hint().exact());
            let Poll::Ready(frame) = body.as_mut().poll_frame(&mut context) else {
                panic!("pending")
            };
            (state, frame.map(|frame| frame.unwrap()))
        };

        let (state, frame) = next(&mut body);
        assert_eq!(state, (false, Some(2)));
        assert_eq!(frame.unwrap().into_data().unwrap(), "a");
        let (state, frame) = next(&mut body);
        assert_eq!(state, (false, Some(1)));
        assert_eq!(frame.unwrap().into_trailers().unwrap()["grpc-status"], "16");
        let (state, frame) = next(&mut body);
        assert_eq!(state, (true, Some(0)));
        assert!(frame.is_none());
    }

    #[test]
    fn response_of_inner_layer_is_not_watched_twice() {
        let client = tower::service_fn(|_: Request<()>| async {
            Ok::<_, Infallible>(Response::new(Frames::default()))
        });
        let layer = || AuthLayer::new(Credential::iam_token("t1.abc").unwrap()).grpc();
        let mut stacked = layer()
            .watch_trailers()
            .layer(tower::util::MapResponse::new(
                layer().watch_trailers().layer(client),
                |response: Response<WatchedBody<Frames>>| {
                    assert!(response.body().credential.is_some());
                    response.map(|watched| watched.body)
                },
            ));
        let response = stacked.call(Request::new(())).now_or_never().unwrap();
        assert!(response.unwrap().body().credential.is_none());
    }

    #[test]
    fn response_of_request_that_waited_is_watched() {
        let client = tower::service_fn(|_: Request<()>| async {
            Ok::<_, Infallible>(Response::new(Frames::default()))
        });
        let layer = AuthLayer::new(|| async { Ok(Credential::iam_token("t1.abc").unwrap()) });
        let mut service = layer.grpc().watch_trailers().layer(client);
        let response = service.call(Request::new(())).now_or_never().unwrap();
        assert!(response.unwrap().body().credential.is_some());
    }
}
