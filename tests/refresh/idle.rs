//! Renewal without requests.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{CredentialCache, ProviderError};

use crate::support::{HOUR, cache, s, text, tick};
use crate::token::token;

#[tokio::test(start_paused = true)]
async fn idle_service_is_renewed_ahead_of_time() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    // The first credential is due at a random time, the second on schedule.
    let first = cache.get().await.unwrap();
    cache.refresh().await.unwrap();
    assert_ne!(text(&first), "t1.b");
    tick(&clock, 3200).await;
    assert_eq!(provider.calls(), 2, "not before nine tenths of an hour");
    tick(&clock, 480).await;
    assert_eq!(provider.calls(), 3);
    assert_eq!(text(&cache.peek().unwrap()), "t1.b");
}

#[tokio::test(start_paused = true)]
async fn idle_service_is_renewed_after_suspend() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.advance_wall(HOUR);
    sleep(s(61)).await;
    assert_eq!(text(&cache.peek().unwrap()), "t1.b");
}

#[tokio::test(start_paused = true)]
async fn idle_service_retries_failed_renewal() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .fail(ProviderError::transient("down"))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    // Due within the hour, with a second attempt after 5 min to 10 min.
    tick(&clock, 4300).await;
    assert!(provider.calls() >= 3);
    assert_eq!(text(&cache.peek().unwrap()), "t1.b");
    assert!(cache.status().last_error().is_none());
}

#[tokio::test(start_paused = true)]
async fn last_handle_ends_all_tasks() {
    let alive = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = alive();
    let witness = Arc::new(());
    for fetching in [false, true] {
        let provided = Arc::clone(&witness);
        let provider = move || {
            let provided = Arc::clone(&provided);
            async move {
                if fetching {
                    std::future::pending::<()>().await;
                }
                drop(provided);
                Ok(token("t1.a"))
            }
        };
        let cache = CredentialCache::new(provider);
        let _ = timeout(s(1), cache.get()).await;
        assert!(alive() > before, "neither fetch nor timer");
        drop(cache);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(alive(), before);
        assert_eq!(
            Arc::strong_count(&witness),
            1,
            "the provider is not dropped"
        );
    }
}
