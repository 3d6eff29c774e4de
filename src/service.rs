//! The service: readiness of the inner one, the warm path, and the way aside.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use crate::auth_override::AuthOverride;
use crate::cache::{Consulted, CredentialCache, Flight, Held};
use crate::error::BoxError;
use crate::future::{Aside, Attempt, ResponseFuture, Waiting, authorize, strip};
use crate::own_copy::OwnCopy;
use crate::policy::{Decision, Policy, RequestHead};

/// An HTTP service whose requests carry a credential, made by [`AuthLayer`](crate::AuthLayer).
///
/// Each request's `Authorization` is set to the held credential, one value whatever was there, once
/// the policy agreed. If none is held, the request waits in the response future, where an outer
/// `Timeout` covers it. `poll_ready` is the inner service's alone. A `401`, or a gRPC response that
/// is its trailers with status 16, drops the credential that was sent, within limits; a `403` never
/// does.
///
/// # Clone
///
/// Clones share the cache, and clone the inner service and the policy. Each makes its own copy of
/// the header when it uses a credential for the second time.
///
/// # Errors
///
/// The inner service's, or an [`AuthError`](crate::AuthError) where the request was not sent.
#[derive(Clone)]
pub struct Auth<S, K> {
    inner: S,
    policy: K,
    cache: CredentialCache,
    copy: OwnCopy,
}

impl<S, K> Auth<S, K> {
    pub(crate) fn new(inner: S, cache: CredentialCache, policy: K) -> Self {
        Self {
            inner,
            policy,
            cache,
            copy: OwnCopy::default(),
        }
    }
}

impl<S, K, B, R> Service<Request<B>> for Auth<S, K>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    K: Policy + Clone,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = ResponseFuture<S, K, B>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        ResponseFuture::new(self.attempt(request))
    }
}

impl<S, K> Auth<S, K> {
    #[inline]
    pub(crate) fn poll_inner_ready<B>(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>>
    where
        S: Service<Request<B>>,
    {
        self.inner.poll_ready(cx)
    }

    /// The warm path: two loads and a clock say that the own copy is still what is held.
    // Never inlined: it writes the attempt, and in it the request, right into the caller's future.
    // Inlined, it is built aside and then copied, which costs more than the call.
    #[inline(never)]
    pub(crate) fn attempt<B>(&mut self, mut request: Request<B>) -> Attempt<S, K, B>
    where
        S: Service<Request<B>> + Clone,
        K: Policy + Clone,
    {
        if let Some(exception) = request.extensions().get::<AuthOverride>() {
            let exception = exception.clone();
            return self.attempt_with(exception, request);
        }
        let state = self.cache.state();
        let generation = state.slot.settled(state.time.coarse());
        let Some((generation, credential)) =
            generation.and_then(|number| Some((number, self.copy.of(number)?)))
        else {
            return self.attempt_from_cache(request, generation.is_some());
        };
        match authorize(&self.policy, &mut request, credential) {
            Ok(true) => Attempt::Sent {
                response: self.inner.call(request),
                generation,
                cache: state.number,
            },
            Ok(false) => Attempt::unwatched(self.inner.call(request)),
            Err(denial) => Attempt::refused(denial),
        }
    }

    /// Without an own copy, or with a cache that wants to be asked.
    #[inline(never)]
    fn attempt_from_cache<B>(&mut self, request: Request<B>, settled: bool) -> Attempt<S, K, B>
    where
        S: Service<Request<B>> + Clone,
        K: Policy + Clone,
    {
        if settled && let Some(held) = &*self.cache.state().slot.load() {
            self.copy.note(held);
            return send(
                &mut self.inner,
                &self.policy,
                request,
                held,
                self.cache.state().number,
                None,
            );
        }
        match self.policy.precheck(&RequestHead::of(&request)) {
            Some(Decision::Deny(denial)) => return Attempt::refused(denial),
            Some(Decision::Skip) => return self.attempt_anonymous(request),
            Some(Decision::Attach) | None => {}
        }
        match self.cache.state().consult() {
            Consulted::Held(held, flight) => send(
                &mut self.inner,
                &self.policy,
                request,
                &held,
                self.cache.state().number,
                flight,
            ),
            Consulted::Wait => self.wait(request),
        }
    }

    fn wait<B>(&mut self, request: Request<B>) -> Attempt<S, K, B>
    where
        S: Service<Request<B>> + Clone,
        K: Clone,
    {
        // The clone has not been polled ready. The future takes the one that has.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        let state = self.cache.state();
        Attempt::aside(Aside::Waiting {
            credential: Box::pin(Arc::clone(state).obtain()),
            waiting: Some(Waiting {
                ready,
                policy: self.policy.clone(),
                request,
            }),
            cache: state.number,
        })
    }

    #[cold]
    fn attempt_with<B>(
        &mut self,
        exception: AuthOverride,
        mut request: Request<B>,
    ) -> Attempt<S, K, B>
    where
        S: Service<Request<B>>,
        K: Policy,
    {
        match exception {
            AuthOverride::Anonymous => self.attempt_anonymous(request),
            AuthOverride::Use(credential) => {
                match authorize(&self.policy, &mut request, &credential) {
                    Ok(_) => Attempt::unwatched(self.inner.call(request)),
                    Err(denial) => Attempt::refused(denial),
                }
            }
        }
    }

    fn attempt_anonymous<B>(&mut self, mut request: Request<B>) -> Attempt<S, K, B>
    where
        S: Service<Request<B>>,
    {
        strip(request.headers_mut());
        Attempt::unwatched(self.inner.call(request))
    }
}

/// Sends `request` with what is held, if the policy agrees, and with it the flight that is to be
/// polled meanwhile.
fn send<S, K, B>(
    inner: &mut S,
    policy: &K,
    mut request: Request<B>,
    held: &Held,
    cache: u32,
    flight: Option<Flight>,
) -> Attempt<S, K, B>
where
    S: Service<Request<B>>,
    K: Policy,
{
    match (authorize(policy, &mut request, &held.credential), flight) {
        (Err(denial), _) => Attempt::refused(denial),
        (Ok(false), _) => Attempt::unwatched(inner.call(request)),
        (Ok(true), None) => Attempt::Sent {
            response: inner.call(request),
            generation: held.generation,
            cache,
        },
        (Ok(true), flight) => {
            let (response, generation) = (inner.call(request), held.generation);
            Attempt::aside(Aside::Sent {
                response,
                flight,
                generation,
                cache,
            })
        }
    }
}

impl<S: fmt::Debug, K: fmt::Debug> fmt::Debug for Auth<S, K> {
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
    use crate::policy::Workflows;

    /// Stands for an inner service of any size.
    type Client =
        tower::util::ServiceFn<fn(Request<()>) -> Ready<Result<Response<[u64; 9]>, Infallible>>>;

    #[test]
    fn service_and_future_add_what_they_must_and_no_more() {
        let inner = size_of::<<Client as Service<Request<()>>>::Future>();
        assert_eq!(
            size_of::<ResponseFuture<Client, Workflows, ()>>() - inner,
            16
        );
        assert_eq!(
            size_of::<Auth<[usize; 4], Workflows>>() - size_of::<[usize; 4]>(),
            24
        );
    }
}
