//! The service under the layer. It checks each request that reaches it.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::{Request, Response};
use tower::{BoxError, Service};
use yandex_cloud_auth::AuthOverride;

use super::world::{SECRET, World};

/// A clone is not ready, whatever the original is.
pub(super) struct Inner {
    world: Arc<World>,
    ready: bool,
}

impl Inner {
    pub(super) const fn new(world: Arc<World>) -> Self {
        Self {
            world,
            ready: false,
        }
    }
}

impl Clone for Inner {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.world))
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inner")
    }
}

impl Service<Request<()>> for Inner {
    type Response = Response<()>;
    type Error = BoxError;
    type Future = Ready<Result<Response<()>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if !self.world.is_ready() {
            return Poll::Pending;
        }
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        assert!(
            std::mem::take(&mut self.ready),
            "called before it was ready"
        );
        check(&self.world, &request);
        let mut response = Response::new(());
        let status = self.world.status();
        *response.status_mut() = status.try_into().expect("the constants are statuses");
        ready(Ok(response))
    }
}

/// The request carries exactly one credential, one that it may carry; or none, where the caller
/// asked for that.
fn check(world: &World, request: &Request<()>) {
    let values: Vec<_> = request.headers().get_all(AUTHORIZATION).iter().collect();
    let choice = request.extensions().get::<AuthOverride>();
    if let Some(AuthOverride::Anonymous) = choice {
        assert!(values.is_empty(), "an anonymous request has a credential");
        return;
    }
    let [value] = values[..] else {
        panic!("{} credentials", values.len());
    };
    assert!(value.is_sensitive(), "the header is not sensitive");
    let text = value.to_str().expect("a credential is ASCII");
    let (scheme, secret) = text.split_once(' ').expect("a scheme precedes the secret");
    assert!(
        secret.contains(SECRET),
        "the credential of the caller was sent"
    );
    assert!(
        world.rule.allows(request, scheme == "Api-Key"),
        "{} {}",
        request.method(),
        request.uri()
    );
    match (scheme, choice) {
        (_, Some(_)) => assert!(
            secret.ends_with("override"),
            "not the credential of the override"
        ),
        ("Api-Key", None) => assert!(world.rule.api_key, "the layer has no key"),
        _ => world.check_sent(secret),
    }
}
