//! A response future keeps neither cache nor provider.

use std::future::pending;
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::{Request, Response};
use tokio_test::{assert_pending, task};
use tower::{Layer, Service};
use yandex_cloud_auth::testing::ManualClock;
use yandex_cloud_auth::{
    AuthLayer, Credential, CredentialCache, CredentialProvider, ProviderError,
};

use crate::support::*;

/// Returns a token at the first fetch. Later ones hang.
struct Provider(std::sync::atomic::AtomicBool);

impl CredentialProvider for Provider {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        if self.0.swap(true, std::sync::atomic::Ordering::Relaxed) {
            pending::<()>().await;
        }
        Ok(token("t1.a"))
    }
}

fn provider() -> (Arc<Provider>, Weak<Provider>) {
    let provider = Arc::new(Provider(false.into()));
    let weak = Arc::downgrade(&provider);
    (provider, weak)
}

/// Never responds.
async fn hang(_: Request<String>) -> Result<Response<String>, std::convert::Infallible> {
    pending().await
}

// Without a runtime, the response future drives the fetch.
#[test]
fn last_handle_drops_provider_beside_due_fetch() {
    let (provider, weak) = provider();
    let clock = ManualClock::new();
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    let mut service = AuthLayer::from_cache(cache).layer(tower::service_fn(hang));
    assert_pending!(task::spawn(service.call(request(START))).poll());
    clock.advance(Duration::from_secs(3600));

    let mut response = task::spawn(service.call(request(START)));
    assert_pending!(response.poll());
    assert!(weak.upgrade().is_some());
    drop(service);
    assert!(weak.upgrade().is_none(), "the response future keeps it");
    assert_pending!(response.poll());
}

#[test]
fn last_handle_drops_provider_while_response_is_awaited() {
    let (provider, weak) = provider();
    let mut service = AuthLayer::new(provider).layer(tower::service_fn(hang));
    let mut response = task::spawn(service.call(request(START)));
    assert_pending!(response.poll());
    drop(service);
    assert!(weak.upgrade().is_none());
}
