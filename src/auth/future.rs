//! The response future: the request was sent in `call`, or takes the slow path.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::challenge;
use super::error::AuthError;
use super::slow_path::{SendError, SlowPath};
use crate::cache::{CacheId, InFlight};
use crate::error::BoxError;
use crate::policy::Policy;

pin_project! {
    /// The response future of [`Auth`](crate::Auth).
    ///
    /// Resolves to the inner service's response or error, or to an [`AuthError`] if the request was
    /// not sent.
    ///
    /// It is `Send` if the inner service, its future, the policy and the body are. It is then also
    /// `Sync` if the inner future is, whether or not the others are. It is `Unpin` if the inner
    /// future is.
    ///
    /// # Panics
    ///
    /// If polled again after it resolved.
    ///
    /// # Examples
    ///
    /// A service around [`Auth`](crate::Auth) names the future instead of boxing it:
    ///
    /// ```
    /// use std::task::{Context, Poll};
    /// use http::{Request, Response};
    /// use tower::{BoxError, Layer, Service};
    /// use yandex_cloud_auth::{Auth, AuthLayer, Credential, Workflows, future::ResponseFuture};
    ///
    /// struct Client<S> {
    ///     auth: Auth<S>,
    /// }
    ///
    /// impl<S, B, R> Service<Request<B>> for Client<S>
    /// where
    ///     S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>> + Clone,
    /// {
    ///     type Response = Response<R>;
    ///     type Error = BoxError;
    ///     type Future = ResponseFuture<S, Workflows, B>;
    ///
    ///     fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
    ///         self.auth.poll_ready(cx)
    ///     }
    ///
    ///     fn call(&mut self, request: Request<B>) -> Self::Future {
    ///         self.auth.call(request)
    ///     }
    /// }
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let http_client = tower::service_fn(|request: Request<()>| async move {
    /// #     Ok::<_, std::io::Error>(Response::new(request.headers()["authorization"].clone()))
    /// # });
    /// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?).layer(http_client);
    /// let request = Request::get("https://iam.api.cloud.yandex.net/").body(())?;
    /// let response = Client { auth }.call(request).await?;
    /// # assert_eq!(response.into_body(), "Bearer t1.abc");
    /// # Ok::<(), BoxError>(())
    /// # }).unwrap()?;
    /// # Ok::<(), BoxError>(())
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, P, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, P, B>,
    }
}

impl<S: Service<Request<B>>, P, B> ResponseFuture<S, P, B> {
    #[inline]
    pub(super) const fn new(state: State<S, P, B>) -> Self {
        Self { state }
    }
}

impl<S, P, B, R> Future for ResponseFuture<S, P, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    P: Policy,
{
    type Output = Result<Response<R>, BoxError>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project()
            .state
            .poll(cx, Into::into, |error| Err(Box::new(error)))
    }
}

impl<S: Service<Request<B>>, P, B> fmt::Debug for ResponseFuture<S, P, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

pin_project! {
    /// The state of a request. The rare states are boxed, so that the common one has no cost of
    /// theirs.
    #[project = StateProj]
    pub(super) enum State<S, P, B>
    where
        S: Service<Request<B>>,
    {
        /// Awaiting the response. The numbers identify the credential that was sent.
        Sent {
            #[pin]
            response: S::Future,
            generation: u64,
            cache: Option<CacheId>,
        },
        /// Awaiting something else as well.
        SlowPath {
            slow_path: Pin<Box<SlowPath<S, P, B>>>,
        },
    }
}

impl<S: Service<Request<B>>, P, B> State<S, P, B> {
    /// Sent without a credential of the cache.
    pub(super) const fn untracked(response: S::Future) -> Self {
        Self::Sent {
            response,
            generation: 0,
            cache: None,
        }
    }

    /// Sent with a credential of the cache, whose fetch in flight, if any, is polled meanwhile.
    pub(super) fn sent(
        response: S::Future,
        generation: u64,
        cache: Option<CacheId>,
        in_flight: Option<InFlight>,
    ) -> Self {
        match in_flight {
            None => Self::Sent {
                response,
                generation,
                cache,
            },
            in_flight => Self::slow_path(SlowPath::Sent {
                response,
                in_flight,
                generation,
                cache,
            }),
        }
    }

    /// The cache and the generation of the credential that the request was sent with. `None` if it
    /// was sent without a credential of the cache, or not yet.
    pub(super) fn credential(&self) -> Option<(CacheId, u64)> {
        match self {
            Self::Sent {
                generation, cache, ..
            } => cache.map(|cache| (cache, *generation)),
            Self::SlowPath { slow_path } => slow_path.credential(),
        }
    }

    pub(super) fn slow_path(slow_path: SlowPath<S, P, B>) -> Self {
        Self::SlowPath {
            slow_path: Box::pin(slow_path),
        }
    }
}

impl<S, P, B, R> State<S, P, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    P: Policy,
{
    /// Polls, and passes an error of the inner service to `fail`, one of the layer to `refuse`. The
    /// response is moved at most once.
    #[inline(always)]
    pub(super) fn poll<E>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        fail: impl FnOnce(S::Error) -> E,
        refuse: impl FnOnce(AuthError) -> Result<Response<R>, E>,
    ) -> Poll<Result<Response<R>, E>> {
        match self.project() {
            StateProj::Sent {
                response,
                generation,
                cache,
            } => challenge::poll_response(response, cx, fail, *cache, *generation),
            StateProj::SlowPath { slow_path } => {
                let result = ready!(poll_slow_path(slow_path, cx, fail, refuse));
                Poll::Ready(result.map(|response| *response))
            }
        }
    }
}

// Not inlined, and the response boxed: otherwise the compiler moves the response of the common
// state to where this one is written, before it moves it to its final place.
#[cold]
#[inline(never)]
fn poll_slow_path<S, P, B, R, E>(
    slow_path: &mut Pin<Box<SlowPath<S, P, B>>>,
    cx: &mut Context<'_>,
    fail: impl FnOnce(S::Error) -> E,
    refuse: impl FnOnce(AuthError) -> Result<Response<R>, E>,
) -> Poll<Result<Box<Response<R>>, E>>
where
    S: Service<Request<B>, Response = Response<R>>,
    P: Policy,
{
    slow_path.as_mut().poll(cx).map(|result| match result {
        Ok(response) => Ok(Box::new(response)),
        Err(SendError::Inner(error)) => Err(fail(error)),
        Err(SendError::Refused(error)) => refuse(error).map(Box::new),
    })
}
