//! One request on its way: sent at once, or kept aside until there is a credential.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response, header};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::cache::registry::NOBODY;
use crate::cache::{Flight, Held};
use crate::challenge;
use crate::credential::Credential;
use crate::error::{AuthError, BoxError};
use crate::policy::{Decision, Denial, Policy, RequestHead};
use crate::provider::ProviderError;
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
    pub struct ResponseFuture<S, K, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        attempt: Attempt<S, K, B>,
    }
}

impl<S: Service<Request<B>>, K, B> ResponseFuture<S, K, B> {
    #[inline]
    pub(crate) const fn new(attempt: Attempt<S, K, B>) -> Self {
        Self { attempt }
    }
}

impl<S, K, B, R> Future for ResponseFuture<S, K, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    K: Policy,
{
    type Output = Result<Response<R>, BoxError>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project()
            .attempt
            .poll(cx, Into::into, |error| Err(Box::new(error)))
    }
}

impl<S: Service<Request<B>>, K, B> fmt::Debug for ResponseFuture<S, K, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// Why there is no response.
pub(crate) enum Failure<E> {
    /// The inner service failed.
    Inner(E),
    /// The request never reached it.
    Refused(AuthError),
}

pin_project! {
    /// A request on its way. What is rare is boxed, so that the usual way costs nothing for it.
    #[project = AttemptProj]
    pub(crate) enum Attempt<S, K, B>
    where
        S: Service<Request<B>>,
    {
        /// Awaiting the response. The numbers name the credential it was sent with.
        Sent {
            #[pin]
            response: S::Future,
            generation: u64,
            cache: u32,
        },
        /// Awaiting something else first.
        Aside {
            aside: Pin<Box<Aside<S, K, B>>>,
        },
    }
}

pin_project! {
    #[project = AsideProj]
    pub(crate) enum Aside<S, K, B>
    where
        S: Service<Request<B>>,
    {
        /// Awaiting a credential.
        Waiting {
            credential: BoxFuture<'static, Result<Arc<Held>, ProviderError>>,
            waiting: Option<Waiting<S, K, B>>,
            cache: u32,
        },
        /// Awaiting the response, and polling a flight that nobody else drives.
        Sent {
            #[pin]
            response: S::Future,
            flight: Option<Flight>,
            generation: u64,
            cache: u32,
        },
        /// Awaiting nothing.
        Refused { error: Option<AuthError> },
    }
}

/// A request that waits for a credential, with the service that was polled ready for it.
pub(crate) struct Waiting<S, K, B> {
    pub(crate) ready: S,
    pub(crate) policy: K,
    pub(crate) request: Request<B>,
}

impl<S: Service<Request<B>>, K, B> Attempt<S, K, B> {
    /// On its way without a credential of the cache's: nothing is dropped if it is refused.
    pub(crate) const fn unwatched(response: S::Future) -> Self {
        Self::Sent {
            response,
            generation: 0,
            cache: NOBODY,
        }
    }

    pub(crate) fn aside(aside: Aside<S, K, B>) -> Self {
        Self::Aside {
            aside: Box::pin(aside),
        }
    }

    #[cold]
    pub(crate) fn refused(error: impl Into<AuthError>) -> Self {
        Self::aside(Aside::Refused {
            error: Some(error.into()),
        })
    }
}

impl<S, K, B, R> Attempt<S, K, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    K: Policy,
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
            AttemptProj::Sent {
                response,
                generation,
                cache,
            } => poll_response(response, cx, fail, *cache, *generation),
            AttemptProj::Aside { aside } => aside.as_mut().poll(cx).map(|result| match result {
                Ok(response) => Ok(response),
                Err(Failure::Inner(error)) => Err(fail(error)),
                Err(Failure::Refused(error)) => refuse(error),
            }),
        }
    }
}

impl<S, K, B, R> Aside<S, K, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    K: Policy,
{
    #[cold]
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<R>, Failure<S::Error>>> {
        loop {
            match self.as_mut().project() {
                AsideProj::Waiting {
                    credential,
                    waiting,
                    cache,
                } => {
                    let held = ready!(credential.as_mut().poll(cx));
                    let waiting = waiting.take().expect("a request is sent once");
                    let next = match held {
                        Ok(held) => waiting.send(&held, *cache),
                        Err(error) => Self::Refused {
                            error: Some(error.into()),
                        },
                    };
                    self.set(next);
                }
                AsideProj::Sent {
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
                    return poll_response(response, cx, Failure::Inner, *cache, *generation);
                }
                AsideProj::Refused { error } => {
                    let error = error.take().expect("polled after it resolved");
                    telemetry::refused(&error);
                    return Poll::Ready(Err(Failure::Refused(error)));
                }
            }
        }
    }
}

impl<S: Service<Request<B>>, K: Policy, B> Waiting<S, K, B> {
    fn send(mut self, held: &Held, cache: u32) -> Aside<S, K, B> {
        match authorize(&self.policy, &mut self.request, &held.credential) {
            Ok(attached) => Aside::Sent {
                response: self.ready.call(self.request),
                flight: None,
                generation: held.generation,
                cache: if attached { cache } else { NOBODY },
            },
            Err(denial) => Aside::Refused {
                error: Some(denial.into()),
            },
        }
    }
}

/// Lets the policy decide, and writes or removes the header accordingly. True where the credential
/// goes along.
#[inline(always)]
pub(crate) fn authorize<K: Policy, B>(
    policy: &K,
    request: &mut Request<B>,
    credential: &Credential,
) -> Result<bool, Denial> {
    match policy.decide(&RequestHead::of(request), credential) {
        Decision::Attach => {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, credential.header_value().clone());
            Ok(true)
        }
        Decision::Deny(denial) => Err(denial),
        Decision::Skip => {
            strip(request.headers_mut());
            Ok(false)
        }
    }
}

/// Without credentials means none at all, also none that was there before.
pub(crate) fn strip(headers: &mut HeaderMap) {
    headers.remove(header::AUTHORIZATION);
}

// Always inlined, so that the response is written where the caller wants it, and watched there.
#[inline(always)]
fn poll_response<F, R, X, E>(
    response: Pin<&mut F>,
    cx: &mut Context<'_>,
    fail: impl FnOnce(X) -> E,
    cache: u32,
    generation: u64,
) -> Poll<Result<Response<R>, E>>
where
    F: Future<Output = Result<Response<R>, X>>,
{
    let mut polled = response.poll(cx).map_err(fail);
    if let Poll::Ready(Ok(response)) = &mut polled {
        challenge::watch(response, cache, generation);
    }
    polled
}
