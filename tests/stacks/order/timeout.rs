//! `Timeout`.

use std::time::Duration;

use tokio::time::Instant;
use tower::timeout::TimeoutLayer;
use tower::timeout::error::Elapsed;
use tower::{Layer, ServiceBuilder, ServiceExt};
use yandex_cloud_auth::testing::ScriptedProvider;
use yandex_cloud_auth::{AuthError, AuthLayer, CacheState, CredentialCache};

use super::*;

#[tokio::test(start_paused = true)]
async fn timeout_outside_covers_wait() {
    says(
        "`Timeout`",
        "outside",
        "The timeout covers the wait for a credential. If it ends first, the request is not sent, and the fetch goes on for the other requests.",
    );
    let (auth, client) = (AuthLayer::new(slow_token()), Client::default());
    let stack = ServiceBuilder::new()
        .timeout(Duration::from_secs(1))
        .layer(auth.clone())
        .service(client.service());
    let error = stack.oneshot(request()).await.unwrap_err();
    assert!(error.is::<Elapsed>(), "{error}");
    assert!(client.received().is_empty());
    tokio::time::sleep(FETCH).await;
    assert_eq!(auth.cache().status().state(), CacheState::Fresh);
}

#[tokio::test(start_paused = true)]
async fn timeout_inside_covers_client_only() {
    says(
        "`Timeout`",
        "inside",
        "The timeout covers the client only. The wait for a credential ends with the fetch, at the latest after its own timeout.",
    );
    let stack = |auth: AuthLayer| {
        auth.layer(TimeoutLayer::new(Duration::from_secs(1)).layer(Client::default().service()))
    };
    let start = Instant::now();
    let slow = stack(AuthLayer::new(slow_token()));
    slow.oneshot(request()).await.unwrap();
    assert!(start.elapsed() >= FETCH);

    let start = Instant::now();
    let cache = CredentialCache::builder(ScriptedProvider::new().hang())
        .fetch_timeout(Duration::from_secs(5))
        .build();
    let error = stack(AuthLayer::from_cache(cache)).oneshot(request()).await;
    let error = error.unwrap_err();
    assert!(error.is::<AuthError>(), "{error}");
    assert_eq!(start.elapsed().as_secs(), 5);
}
