//! Renewal ahead of time, during requests.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{CacheState, Credential, ProviderError};

use crate::support::{HOUR, cache, message, s, text};
use crate::token::token;

#[tokio::test(start_paused = true)]
async fn no_caller_waits_for_due_renewal() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .after(s(4))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.advance(HOUR);
    assert_eq!(cache.status().state(), CacheState::Due);
    let start = Instant::now();
    for _ in 0..1000 {
        assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    sleep(s(5)).await;
    assert_eq!(text(&cache.get().await.unwrap()), "t1.b");
    assert_eq!(provider.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn short_lifetimes_are_used_to_their_end() {
    let clock = ManualClock::new();
    let provider =
        ScriptedProvider::new().answer(Credential::iam_token("t1.a").unwrap().with_lifetime(s(20)));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.advance(Duration::from_millis(18_999));
    assert!(cache.peek().is_some());
    clock.advance(Duration::from_millis(1));
    assert!(cache.peek().is_none());
    assert_eq!(cache.status().state(), CacheState::Expired);
}

#[tokio::test(start_paused = true)]
async fn due_fetches_start_once_a_second_at_most() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a").with_max_age(Duration::ZERO));
    let cache = cache(&provider, &clock);
    for _ in 0..100 {
        cache.get().await.unwrap();
        clock.advance(Duration::from_millis(100));
        sleep(Duration::from_millis(100)).await;
    }
    assert!(
        (10..=12).contains(&provider.calls()),
        "{} calls in ten seconds",
        provider.calls()
    );
}

#[tokio::test(start_paused = true)]
async fn refresh_fetches_and_ends_cool_down() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .fail(ProviderError::permanent("revoked"))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    assert_eq!(text(&cache.refresh().await.unwrap()), "t1.a");
    assert_eq!(message(&cache.refresh().await.unwrap_err()), "revoked");
    assert_eq!(
        text(&cache.get().await.unwrap()),
        "t1.a",
        "the cached credential stays"
    );
    assert_eq!(text(&cache.refresh().await.unwrap()), "t1.b");
    assert!(cache.status().last_error().is_none());
    assert_eq!(provider.calls(), 3);
}
