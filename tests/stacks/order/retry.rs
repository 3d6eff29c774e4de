//! `Retry`, and a layer within a layer.

use std::future::{Ready, ready};

use tower::retry::{Policy, RetryLayer};
use tower::{Layer, ServiceBuilder, ServiceExt};
use yandex_cloud_auth::retry::OnUnauthorized;
use yandex_cloud_auth::testing::ManualClock;
use yandex_cloud_auth::{AuthLayer, CacheState, CredentialCache};

use super::*;
use crate::client::{NEW, OLD, two_tokens};

/// Sends each request twice, whatever the response is.
#[derive(Clone)]
struct Twice(bool);

impl<E> Policy<Request<String>, Response<String>, E> for Twice {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<String>,
        _: &mut Result<Response<String>, E>,
    ) -> Option<Ready<()>> {
        let is_first = !std::mem::replace(&mut self.0, true);
        is_first.then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<String>) -> Option<Request<String>> {
        Some(request.clone())
    }
}

/// A layer whose credential, [`OLD`], is old enough to be dropped.
async fn aged() -> AuthLayer {
    let clock = ManualClock::new();
    let cache = CredentialCache::builder(two_tokens())
        .clock(clock.clone())
        .build();
    cache.get().await.unwrap();
    clock.advance(Duration::from_secs(60));
    AuthLayer::from_cache(cache)
}

#[tokio::test(start_paused = true)]
async fn retry_outside_gets_current_credential() {
    says(
        "`Retry`",
        "outside",
        "Each attempt gets the current credential, or waits for one.",
    );
    let client = Client::rejecting(OLD);
    let stack = ServiceBuilder::new()
        .retry(Twice(false))
        .layer(aged().await)
        .service(client.service());
    let response = stack.oneshot(request()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(client.received(), [OLD, NEW]);
}

#[tokio::test(start_paused = true)]
async fn retry_inside_repeats_credential() {
    says(
        "`Retry`",
        "inside",
        "Each attempt carries the credential of the first one, even if it was rejected.",
    );
    let client = Client::rejecting(OLD);
    let retried = RetryLayer::new(Twice(false)).layer(client.service());
    let response = aged().await.layer(retried).oneshot(request()).await;
    assert_eq!(response.unwrap().status(), 401);
    assert_eq!(client.received(), [OLD, OLD]);
}

#[tokio::test(start_paused = true)]
async fn replay_outside_carries_next_credential() {
    says(
        "`OnUnauthorized`, `ReplayLayer`",
        "outside",
        "A request whose credential was rejected is sent once more, with the next credential.",
    );
    let client = Client::rejecting(OLD);
    let stack = ServiceBuilder::new()
        .retry(OnUnauthorized::new())
        .layer(aged().await)
        .service(client.service());
    let response = stack.oneshot(request()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(client.received(), [OLD, NEW]);
}

#[tokio::test(start_paused = true)]
async fn replay_inside_does_nothing() {
    says(
        "`OnUnauthorized`, `ReplayLayer`",
        "inside",
        "Nothing is replayed: the layer has not seen the response yet.",
    );
    let client = Client::rejecting(OLD);
    let retried = RetryLayer::new(OnUnauthorized::new()).layer(client.service());
    let response = aged().await.layer(retried).oneshot(request()).await;
    assert_eq!(response.unwrap().status(), 401);
    assert_eq!(client.received(), [OLD]);
}

#[tokio::test(start_paused = true)]
async fn inner_layer_decides() {
    says(
        "another `AuthLayer`",
        "inside",
        "The credential of the inner layer is sent. A rejection drops that one only.",
    );
    let client = Client::rejecting(OLD);
    let (outer, inner) = (aged().await, aged().await);
    let stack = outer.layer(inner.layer(client.service()));
    assert_eq!(stack.oneshot(request()).await.unwrap().status(), 401);
    assert_eq!(inner.cache().status().state(), CacheState::Empty);
    assert_eq!(outer.cache().status().state(), CacheState::Fresh);
}
