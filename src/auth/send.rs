//! The ways a request is sent, the most frequent one first.

use std::mem;
use std::sync::Arc;

use http::Request;
use tower_service::Service;

use super::auth_override::AuthOverride;
use super::authorize::{authorize, head, strip};
use super::extras::Extras;
use super::future::State;
use super::service::Auth;
use super::slow_path::{Pending, SlowPath};
use crate::cache::{InFlight, Lookup};
use crate::policy::{Decision, Denial, Policy};

impl<S, P> Auth<S, P> {
    /// Sends the request with the service's own copy of the credential, if two loads and a clock
    /// say that it is current. Otherwise takes one of the ways below.
    // Never inlined: the state, which contains the request, is then written directly into the
    // caller's future. Inlined, it is built elsewhere and copied, which costs more than the call.
    #[inline(never)]
    pub(super) fn send<B>(&mut self, mut request: Request<B>) -> State<S, P, B>
    where
        S: Service<Request<B>> + Clone,
        P: Policy + Clone,
    {
        if let Some(choice) = request.extensions().get::<AuthOverride>() {
            let choice = choice.clone();
            return self.send_overridden(choice, request);
        }
        if self.extras.is_some() && self.authorize_with_key(&mut request) {
            return State::untracked(self.inner.call(request));
        }
        let state = self.cache.state();
        let Some(generation) = state.slot.current_generation(state.time.coarse()) else {
            return self.send_after_lookup(request);
        };
        let Some(credential) = self.local.of(generation) else {
            return self.send_from_slot(request);
        };
        let origin = Extras::origin(&self.extras);
        match authorize(&self.policy, origin, &mut request, credential) {
            Ok(true) => State::Sent {
                response: self.inner.call(request),
                generation,
                cache: state.id,
            },
            Ok(false) => State::untracked(self.inner.call(request)),
            Err(denial) => self.refuse(denial),
        }
    }

    /// Sends the request with the shared entry, which is current: the service has no copy of it
    /// yet.
    #[inline(never)]
    fn send_from_slot<B>(&mut self, mut request: Request<B>) -> State<S, P, B>
    where
        S: Service<Request<B>> + Clone,
        P: Policy + Clone,
    {
        // The guard is dropped before the inner service is called: that may take long.
        let decided = self.cache.state().slot.load().as_deref().map(|entry| {
            self.local.record_use(entry);
            let origin = Extras::origin(&self.extras);
            let decision = authorize(&self.policy, origin, &mut request, &entry.credential);
            (decision, entry.generation)
        });
        match decided {
            Some((decision, generation)) => self.send_decided(request, decision, generation, None),
            None => self.send_after_lookup(request),
        }
    }

    /// Looks up the cache, and sends the request or makes it wait.
    #[inline(never)]
    fn send_after_lookup<B>(&mut self, mut request: Request<B>) -> State<S, P, B>
    where
        S: Service<Request<B>> + Clone,
        P: Policy + Clone,
    {
        let origin = Extras::origin(&self.extras);
        match self.policy.precheck(&head(&request, origin)) {
            Some(Decision::Deny(denial)) => return self.refuse(denial),
            Some(Decision::Skip) => return self.send_anonymous(request),
            Some(Decision::Attach) | None => {}
        }
        match self.cache.state().lookup() {
            Lookup::Hit(entry, in_flight) => {
                let decision = authorize(&self.policy, origin, &mut request, &entry.credential);
                self.send_decided(request, decision, entry.generation, in_flight)
            }
            Lookup::Miss => self.wait(request),
        }
    }

    fn send_decided<B>(
        &mut self,
        request: Request<B>,
        decision: Result<bool, Denial>,
        generation: u64,
        in_flight: Option<InFlight>,
    ) -> State<S, P, B>
    where
        S: Service<Request<B>> + Clone,
    {
        match decision {
            Ok(true) => {
                let cache = self.cache.state().id;
                State::sent(self.inner.call(request), generation, cache, in_flight)
            }
            Ok(false) => State::untracked(self.inner.call(request)),
            Err(denial) => self.refuse(denial),
        }
    }

    /// Keeps the request until there is a credential.
    fn wait<B>(&mut self, request: Request<B>) -> State<S, P, B>
    where
        S: Service<Request<B>> + Clone,
        P: Clone,
    {
        // The clone has not been polled ready, so the future takes the service that has.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        let state = self.cache.state();
        let pending = Pending {
            ready,
            policy: self.policy.clone(),
            extras: self.extras.clone(),
            request,
            cache: state.id,
        };
        State::slow_path(SlowPath::waiting(Arc::clone(state).get_or_fetch(), pending))
    }

    /// Refuses a request. A clone takes the place of the inner service, so that what `poll_ready`
    /// reserved, such as a permit, is returned.
    #[cold]
    fn refuse<B>(&mut self, denial: Denial) -> State<S, P, B>
    where
        S: Service<Request<B>> + Clone,
    {
        self.inner = self.inner.clone();
        State::slow_path(SlowPath::refused(denial))
    }

    /// Authorizes the request with the layer's API key. Returns whether it is to be sent so: the
    /// layer has a key, and the policy does not deny it.
    #[inline(never)]
    fn authorize_with_key<B>(&self, request: &mut Request<B>) -> bool
    where
        P: Policy,
    {
        let now = || self.cache.state().time.now().wall;
        let key = self
            .extras
            .as_deref()
            .and_then(|extras| extras.api_key(now));
        let origin = Extras::origin(&self.extras);
        key.is_some_and(|key| authorize(&self.policy, origin, request, key).is_ok())
    }

    #[cold]
    fn send_overridden<B>(
        &mut self,
        choice: AuthOverride,
        mut request: Request<B>,
    ) -> State<S, P, B>
    where
        S: Service<Request<B>> + Clone,
        P: Policy,
    {
        let origin = Extras::origin(&self.extras);
        match choice {
            AuthOverride::Anonymous => self.send_anonymous(request),
            AuthOverride::Use(credential) => {
                match authorize(&self.policy, origin, &mut request, &credential) {
                    Ok(_) => State::untracked(self.inner.call(request)),
                    Err(denial) => self.refuse(denial),
                }
            }
        }
    }

    fn send_anonymous<B>(&mut self, mut request: Request<B>) -> State<S, P, B>
    where
        S: Service<Request<B>>,
    {
        strip(request.headers_mut());
        State::untracked(self.inner.call(request))
    }
}
