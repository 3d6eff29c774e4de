//! One request on its way: sent at once, or kept aside until there is a credential.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::authorize::authorize;
use super::challenge;
use super::error::AuthError;
use crate::cache::{CacheId, Entry, InFlight};
use crate::error::{BoxError, ProviderError};
use crate::policy::Policy;
use crate::telemetry;

pin_project! {
    /// The response of an [`Auth`](crate::Auth), made by its `call`.
    ///
    /// Resolves to the inner service's response or error, or to an [`AuthError`] where the request
    /// was not sent.
    ///
    /// # Panics
    ///
    /// When polled again after it resolved, as most futures do.
    pub struct ResponseFuture<S, P, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        attempt: State<S, P, B>,
    }
}

impl<S: Service<Request<B>>, P, B> ResponseFuture<S, P, B> {
    #[inline]
    pub(crate) const fn new(attempt: State<S, P, B>) -> Self {
        Self { attempt }
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
            .attempt
            .poll(cx, Into::into, |error| Err(Box::new(error)))
    }
}

impl<S: Service<Request<B>>, P, B> fmt::Debug for ResponseFuture<S, P, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// Why there is no response.
pub(crate) enum SendError<E> {
    /// The inner service failed.
    Inner(E),
    /// The request never reached it.
    Refused(AuthError),
}

pin_project! {
    /// A request on its way. What is rare is boxed, so that the usual way costs nothing for it.
    #[project = StateProj]
    pub(crate) enum State<S, P, B>
    where
        S: Service<Request<B>>,
    {
        /// Awaiting the response. The numbers name the credential it was sent with.
        Sent {
            #[pin]
            response: S::Future,
            generation: u64,
            cache: Option<CacheId>,
        },
        /// Awaiting something else first.
        SlowPath {
            slow_path: Pin<Box<SlowPath<S, P, B>>>,
        },
    }
}

pin_project! {
    #[project = SlowPathProj]
    pub(crate) enum SlowPath<S, P, B>
    where
        S: Service<Request<B>>,
    {
        /// Awaiting a credential.
        Waiting {
            credential: BoxFuture<'static, Result<Arc<Entry>, ProviderError>>,
            waiting: Option<Pending<S, P, B>>,
            cache: Option<CacheId>,
        },
        /// Awaiting the response, and polling a flight that nobody else drives.
        Sent {
            #[pin]
            response: S::Future,
            flight: Option<InFlight>,
            generation: u64,
            cache: Option<CacheId>,
        },
        /// Awaiting nothing.
        Refused { error: Option<AuthError> },
    }
}

/// A request that waits for a credential, with the service that was polled ready for it.
pub(crate) struct Pending<S, P, B> {
    pub(crate) ready: S,
    pub(crate) policy: P,
    pub(crate) request: Request<B>,
}

impl<S: Service<Request<B>>, P, B> State<S, P, B> {
    /// On its way without a credential of the cache's: nothing is dropped if it is refused.
    pub(crate) const fn untracked(response: S::Future) -> Self {
        Self::Sent {
            response,
            generation: 0,
            cache: None,
        }
    }

    pub(crate) fn slow_path(slow_path: SlowPath<S, P, B>) -> Self {
        Self::SlowPath {
            slow_path: Box::pin(slow_path),
        }
    }

    #[cold]
    pub(crate) fn refused(error: impl Into<AuthError>) -> Self {
        Self::slow_path(SlowPath::Refused {
            error: Some(error.into()),
        })
    }
}

impl<S, P, B, R> State<S, P, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    P: Policy,
{
    /// Polls, and makes of a failure what the caller's kind of service makes of it. The response is
    /// moved once, if at all.
    #[inline(always)]
    pub(crate) fn poll<E>(
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
            } => poll_response(response, cx, fail, *cache, *generation),
            StateProj::SlowPath { slow_path } => {
                slow_path.as_mut().poll(cx).map(|result| match result {
                    Ok(response) => Ok(response),
                    Err(SendError::Inner(error)) => Err(fail(error)),
                    Err(SendError::Refused(error)) => refuse(error),
                })
            }
        }
    }
}

impl<S, P, B, R> SlowPath<S, P, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    P: Policy,
{
    #[cold]
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<R>, SendError<S::Error>>> {
        loop {
            match self.as_mut().project() {
                SlowPathProj::Waiting {
                    credential,
                    waiting,
                    cache,
                } => {
                    let entry = ready!(credential.as_mut().poll(cx));
                    let waiting = waiting.take().expect("a request is sent once");
                    let next = match entry {
                        Ok(entry) => waiting.send(&entry, *cache),
                        Err(error) => Self::Refused {
                            error: Some(error.into()),
                        },
                    };
                    self.set(next);
                }
                SlowPathProj::Sent {
                    response,
                    flight,
                    generation,
                    cache,
                } => {
                    if flight
                        .as_mut()
                        .is_some_and(|flight| Pin::new(flight).poll(cx).is_ready())
                    {
                        *flight = None;
                    }
                    return poll_response(response, cx, SendError::Inner, *cache, *generation);
                }
                SlowPathProj::Refused { error } => {
                    let error = error.take().expect("polled after it resolved");
                    telemetry::not_sent(&error, error.reason());
                    return Poll::Ready(Err(SendError::Refused(error)));
                }
            }
        }
    }
}

impl<S: Service<Request<B>>, P: Policy, B> Pending<S, P, B> {
    fn send(mut self, entry: &Entry, cache: Option<CacheId>) -> SlowPath<S, P, B> {
        match authorize(&self.policy, &mut self.request, &entry.credential) {
            Ok(attached) => SlowPath::Sent {
                response: self.ready.call(self.request),
                flight: None,
                generation: entry.generation,
                cache: cache.filter(|_| attached),
            },
            Err(denial) => SlowPath::Refused {
                error: Some(denial.into()),
            },
        }
    }
}

// Always inlined, so that the response is written where the caller wants it, and watched there.
#[inline(always)]
fn poll_response<F, R, X, E>(
    response: Pin<&mut F>,
    cx: &mut Context<'_>,
    fail: impl FnOnce(X) -> E,
    cache: Option<CacheId>,
    generation: u64,
) -> Poll<Result<Response<R>, E>>
where
    F: Future<Output = Result<Response<R>, X>>,
{
    let mut polled = response.poll(cx).map_err(fail);
    if let Poll::Ready(Ok(response)) = &mut polled {
        challenge::on_response(response, cache, generation);
    }
    polled
}
