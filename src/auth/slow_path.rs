//! The rare states of a request: it waits for a credential, is sent beside a fetch, or is refused.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::authorize::authorize;
use super::challenge::poll_response;
use super::error::AuthError;
use super::exclusive::Exclusive;
use super::extras::Extras;
use crate::cache::{CacheId, Entry, InFlight};
use crate::error::ProviderError;
use crate::policy::Policy;

/// Why there is no response.
pub(super) enum SendError<E> {
    /// The inner service failed.
    Inner(E),
    /// The request was not sent.
    Refused(AuthError),
}

pin_project! {
    #[project = SlowPathProj]
    pub(super) enum SlowPath<S, P, B>
    where
        S: Service<Request<B>>,
    {
        /// Awaiting a credential.
        Waiting {
            waiting: Exclusive<Waiting<S, P, B>>,
        },
        /// Awaiting the response, and polling a fetch that only its waiters drive.
        Sent {
            #[pin]
            response: S::Future,
            in_flight: Option<InFlight>,
            generation: u64,
            cache: Option<CacheId>,
        },
        /// Awaiting nothing.
        Refused { error: Option<AuthError> },
    }
}

/// A request, and the credential it waits for.
pub(super) struct Waiting<S, P, B> {
    pub(super) credential: BoxFuture<'static, Result<Arc<Entry>, ProviderError>>,
    /// `None` once it is sent or refused.
    pub(super) pending: Option<Pending<S, P, B>>,
}

/// A request that waits for a credential, with the service that was polled ready for it.
///
/// Dropping it returns what `poll_ready` reserved.
pub(super) struct Pending<S, P, B> {
    pub(super) ready: S,
    pub(super) policy: P,
    pub(super) extras: Option<Arc<Extras>>,
    pub(super) request: Request<B>,
    pub(super) cache: Option<CacheId>,
}

impl<S, P, B, R> SlowPath<S, P, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    P: Policy,
{
    #[cold]
    pub(super) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<R>, SendError<S::Error>>> {
        loop {
            match self.as_mut().project() {
                SlowPathProj::Waiting { waiting } => {
                    let next = ready!(waiting.get_mut().poll(cx));
                    self.set(next);
                }
                SlowPathProj::Sent {
                    response,
                    in_flight,
                    generation,
                    cache,
                } => {
                    poll_once(in_flight, cx);
                    return poll_response(response, cx, SendError::Inner, *cache, *generation);
                }
                SlowPathProj::Refused { error } => {
                    let error = error.take().expect("polled after it resolved");
                    error.report();
                    return Poll::Ready(Err(SendError::Refused(error)));
                }
            }
        }
    }
}

impl<S: Service<Request<B>>, P, B> SlowPath<S, P, B> {
    pub(super) fn waiting(
        credential: impl Future<Output = Result<Arc<Entry>, ProviderError>> + Send + 'static,
        pending: Pending<S, P, B>,
    ) -> Self {
        Self::Waiting {
            waiting: Exclusive::new(Waiting {
                credential: Box::pin(credential),
                pending: Some(pending),
            }),
        }
    }

    /// As [`State::credential`](super::future::State::credential).
    pub(super) fn credential(&self) -> Option<(CacheId, u64)> {
        match self {
            Self::Sent {
                generation, cache, ..
            } => cache.map(|cache| (cache, *generation)),
            Self::Waiting { .. } | Self::Refused { .. } => None,
        }
    }

    pub(super) fn refused(error: impl Into<AuthError>) -> Self {
        Self::Refused {
            error: Some(error.into()),
        }
    }
}

impl<S: Service<Request<B>>, P: Policy, B> Waiting<S, P, B> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<SlowPath<S, P, B>> {
        let entry = ready!(self.credential.as_mut().poll(cx));
        let pending = self.pending.take().expect("a request is sent once");
        Poll::Ready(match entry {
            Ok(entry) => pending.send(&entry),
            Err(error) => SlowPath::refused(error),
        })
    }
}

impl<S: Service<Request<B>>, P: Policy, B> Pending<S, P, B> {
    fn send(mut self, entry: &Entry) -> SlowPath<S, P, B> {
        let origin = Extras::origin(&self.extras);
        match authorize(&self.policy, origin, &mut self.request, &entry.credential) {
            Ok(attached) => SlowPath::Sent {
                response: self.ready.call(self.request),
                in_flight: None,
                generation: entry.generation,
                cache: self.cache.filter(|_| attached),
            },
            Err(denial) => SlowPath::refused(denial),
        }
    }
}

/// Polls the fetch once. Its result is the cache's concern.
fn poll_once(in_flight: &mut Option<InFlight>, cx: &mut Context<'_>) {
    let is_done = in_flight
        .as_mut()
        .is_some_and(|in_flight| Pin::new(in_flight).poll(cx).is_ready());
    if is_done {
        *in_flight = None;
    }
}
