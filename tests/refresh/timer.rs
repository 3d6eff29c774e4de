//! The timer that renews a credential without requests.

use std::time::Duration;

use tokio::runtime::Runtime;
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{Clock, CredentialCache, ProviderError};

use crate::support::{HOUR, cache, tick};
use crate::token::token;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

/// The readiness probe in the documentation of `CacheStatus`.
fn probe(cache: &CredentialCache) -> Result<(), String> {
    let status = cache.status();
    match status.last_error() {
        Some(error) if !status.is_ready() => Err(error.to_string()),
        _ => Ok(()),
    }
}

#[tokio::test(start_paused = true)]
async fn readiness_heals_without_requests() {
    let clock = ManualClock::new();
    let unavailable = || ProviderError::transient("503 Service Unavailable");
    let provider = ScriptedProvider::new()
        .fail(unavailable())
        .fail(unavailable())
        .answer(token("t1.a"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap_err();
    assert_eq!(probe(&cache), Err("503 Service Unavailable".to_owned()));
    tick(&clock, 10).await;
    assert_eq!(provider.calls(), 3);
    assert_eq!(probe(&cache), Ok(()));
    assert!(cache.status().is_ready());
}

#[tokio::test(start_paused = true)]
async fn readiness_heals_after_outage_longer_than_token() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a").with_lifetime(HOUR))
        .fail(ProviderError::transient("down"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    tick(&clock, 2 * 3600).await;
    assert!(probe(&cache).is_err());
    let provider = provider.answer(token("t1.b"));
    tick(&clock, 180).await;
    assert_eq!(probe(&cache), Ok(()));
    drop(provider);
}

#[tokio::test(start_paused = true)]
async fn dropped_credential_is_replaced_without_requests() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    let rejected = cache.get().await.unwrap();
    tick(&clock, 6).await;
    assert!(cache.invalidate(&rejected));
    tick(&clock, 61).await;
    assert!(cache.status().is_ready());
    assert_eq!(provider.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn timer_ends_with_last_handle() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().fail(ProviderError::transient("down"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap_err();
    tick(&clock, 10).await;
    drop(cache);
    let calls = provider.calls();
    tick(&clock, 300).await;
    assert_eq!(provider.calls(), calls);
    let tasks = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(tasks, 0);
}

#[tokio::test(start_paused = true)]
async fn each_fetch_leaves_one_timer() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a"));
    let cache = cache(&provider, &clock);
    for _ in 0..3 {
        cache.refresh().await.unwrap();
        tick(&clock, 30).await;
        assert!(cache.invalidate(&cache.peek().unwrap()));
        cache.get().await.unwrap();
        tick(&clock, 600).await;
        let tasks = tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks();
        assert_eq!(tasks, 1);
    }
}

#[test]
fn request_replaces_timer_of_dropped_runtime() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a").with_lifetime(HOUR))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    let first = runtime();
    first.block_on(cache.get()).unwrap();
    drop(first);
    // With the wall clock set back, requests alone would not detect the expiry.
    clock.rewind_wall(12 * HOUR);
    let second = runtime();
    second.block_on(async {
        let client = tower::service_fn(|request: http::Request<()>| async move {
            let value = request.headers()["authorization"]
                .to_str()
                .unwrap()
                .to_owned();
            Ok::<_, std::io::Error>(http::Response::new(value))
        });
        let mut service = tower::Layer::layer(
            &yandex_cloud_auth::AuthLayer::from_cache(cache.clone()),
            client,
        );
        let mut send = || {
            let request = http::Request::get("/x").body(()).unwrap();
            tower::Service::call(&mut service, request)
        };
        assert_eq!(send().await.unwrap().body(), "Bearer t1.a");
        pass_monotonic(&clock, 3600).await;
        assert_eq!(send().await.unwrap().body(), "Bearer t1.b");
    });
}

/// Advances only the monotonic clock, as if the wall clock was set back.
async fn pass_monotonic(clock: &ManualClock, seconds: u64) {
    for _ in 0..seconds {
        clock.advance_monotonic(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn token_expires_under_wall_clock_before_1970() {
    let clock = ManualClock::new();
    let since_1970 = clock.wall().duration_since(std::time::UNIX_EPOCH).unwrap();
    clock.rewind_wall(since_1970 + HOUR);
    let provider = ScriptedProvider::new()
        .answer(token("t1.a").with_lifetime(HOUR))
        .answer(token("t1.b"));
    let layer = yandex_cloud_auth::AuthLayer::from_cache(cache(&provider, &clock));
    let client = tower::service_fn(|request: http::Request<()>| async move {
        let value = request.headers()["authorization"]
            .to_str()
            .unwrap()
            .to_owned();
        Ok::<_, std::io::Error>(http::Response::new(value))
    });
    let mut service = tower::Layer::layer(&layer, client);
    for (advance, expected) in [
        (0, "Bearer t1.a"),
        (1, "Bearer t1.a"),
        (3600, "Bearer t1.b"),
    ] {
        clock.advance(Duration::from_secs(advance));
        let request = http::Request::get("/x").body(()).unwrap();
        let response = tower::Service::call(&mut service, request).await.unwrap();
        assert_eq!(response.body(), expected);
    }
}
