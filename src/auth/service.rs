//! The service: readiness of the inner one, the warm path, and the way slow_path.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::auth_override::AuthOverride;
use super::authorize::{authorize, strip};
use super::future::{Pending, ResponseFuture, SlowPath, State};
use crate::cache::{CacheId, CredentialCache, Entry, InFlight, LocalCredential, Lookup};
use crate::error::BoxError;
use crate::policy::{Decision, Policy, RequestHead};

/// An HTTP service whose requests carry a credential, made by [`AuthLayer`](crate::AuthLayer).
///
/// Each request's `Authorization` is set to the held credential, one value whatever was there, once
/// the policy agreed. If none is entry, the request waits in the response future, where an outer
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
pub struct Auth<S, P> {
    inner: S,
    policy: P,
    cache: CredentialCache,
    copy: LocalCredential,
}

impl<S, P> Auth<S, P> {
    pub(crate) fn new(inner: S, cache: CredentialCache, policy: P) -> Self {
        Self {
            inner,
            policy,
            cache,
            copy: LocalCredential::default(),
        }
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
        ResponseFuture::new(self.attempt(request))
    }
}

impl<S, P> Auth<S, P> {
    #[inline]
    pub(crate) fn poll_inner_ready<B>(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>>
    where
        S: Service<Request<B>>,
    {
        self.inner.poll_ready(cx)
    }

    /// The warm path: two loads and a clock say that the own copy is still what is entry.
    // Never inlined: it writes the attempt, and in it the request, right into the caller's future.
    // Inlined, it is built aside and then copied, which costs more than the call.
    #[inline(never)]
    pub(crate) fn attempt<B>(&mut self, mut request: Request<B>) -> State<S, P, B>
    where
        S: Service<Request<B>> + Clone,
        P: Policy + Clone,
    {
        if let Some(exception) = request.extensions().get::<AuthOverride>() {
            let exception = exception.clone();
            return self.attempt_with(exception, request);
        }
        let state = self.cache.state();
        let generation = state.slot.current_generation(state.time.coarse());
        let Some((generation, credential)) =
            generation.and_then(|number| Some((number, self.copy.of(number)?)))
        else {
            return self.attempt_from_cache(request, generation.is_some());
        };
        match authorize(&self.policy, &mut request, credential) {
            Ok(true) => State::Sent {
                response: self.inner.call(request),
                generation,
                cache: state.id,
            },
            Ok(false) => State::untracked(self.inner.call(request)),
            Err(denial) => State::refused(denial),
        }
    }

    /// Without an own copy, or with a cache that wants to be asked.
    #[inline(never)]
    fn attempt_from_cache<B>(
        &mut self,
        request: Request<B>,
        current_generation: bool,
    ) -> State<S, P, B>
    where
        S: Service<Request<B>> + Clone,
        P: Policy + Clone,
    {
        if current_generation && let Some(entry) = &*self.cache.state().slot.load() {
            self.copy.record_use(entry);
            return send(
                &mut self.inner,
                &self.policy,
                request,
                entry,
                self.cache.state().id,
                None,
            );
        }
        match self.policy.precheck(&RequestHead::of(&request)) {
            Some(Decision::Deny(denial)) => return State::refused(denial),
            Some(Decision::Skip) => return self.attempt_anonymous(request),
            Some(Decision::Attach) | None => {}
        }
        match self.cache.state().lookup() {
            Lookup::Hit(entry, flight) => send(
                &mut self.inner,
                &self.policy,
                request,
                &entry,
                self.cache.state().id,
                flight,
            ),
            Lookup::Miss => self.wait(request),
        }
    }

    fn wait<B>(&mut self, request: Request<B>) -> State<S, P, B>
    where
        S: Service<Request<B>> + Clone,
        P: Clone,
    {
        // The clone has not been polled ready. The future takes the one that has.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        let state = self.cache.state();
        State::slow_path(SlowPath::Waiting {
            credential: Box::pin(Arc::clone(state).get_or_fetch()),
            waiting: Some(Pending {
                ready,
                policy: self.policy.clone(),
                request,
            }),
            cache: state.id,
        })
    }

    #[cold]
    fn attempt_with<B>(
        &mut self,
        exception: AuthOverride,
        mut request: Request<B>,
    ) -> State<S, P, B>
    where
        S: Service<Request<B>>,
        P: Policy,
    {
        match exception {
            AuthOverride::Anonymous => self.attempt_anonymous(request),
            AuthOverride::Use(credential) => {
                match authorize(&self.policy, &mut request, &credential) {
                    Ok(_) => State::untracked(self.inner.call(request)),
                    Err(denial) => State::refused(denial),
                }
            }
        }
    }

    fn attempt_anonymous<B>(&mut self, mut request: Request<B>) -> State<S, P, B>
    where
        S: Service<Request<B>>,
    {
        strip(request.headers_mut());
        State::untracked(self.inner.call(request))
    }
}

/// Sends `request` with what is entry, if the policy agrees, and with it the flight that is to be
/// polled meanwhile.
fn send<S, P, B>(
    inner: &mut S,
    policy: &P,
    mut request: Request<B>,
    entry: &Entry,
    cache: Option<CacheId>,
    flight: Option<InFlight>,
) -> State<S, P, B>
where
    S: Service<Request<B>>,
    P: Policy,
{
    match (authorize(policy, &mut request, &entry.credential), flight) {
        (Err(denial), _) => State::refused(denial),
        (Ok(false), _) => State::untracked(inner.call(request)),
        (Ok(true), None) => State::Sent {
            response: inner.call(request),
            generation: entry.generation,
            cache,
        },
        (Ok(true), flight) => {
            let (response, generation) = (inner.call(request), entry.generation);
            State::slow_path(SlowPath::Sent {
                response,
                flight,
                generation,
                cache,
            })
        }
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
