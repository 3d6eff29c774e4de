//! Cool-downs after failed fetches.

use std::time::Duration;

use tokio::time::sleep;
use yandex_cloud_auth::Clock;
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{CacheState, Credential, CredentialCache, ProviderError};

use crate::support::{HOUR, cache, message, s, text, tick};
use crate::token::token;

#[tokio::test(start_paused = true)]
async fn revoked_key_is_retried_rarely_and_recovers() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().fail(ProviderError::permanent("revoked"));
    let cache = cache(&provider, &clock);
    for _ in 0..3600 {
        assert!(cache.get().await.is_err());
        tick(&clock, 1).await;
    }
    // Cool-downs of 1 min to 2 min, after four shorter ones.
    assert!(
        (32..=65).contains(&provider.calls()),
        "{} calls",
        provider.calls()
    );

    let healing = ScriptedProvider::new()
        .fail(ProviderError::permanent("revoked"))
        .answer(token("t1.a"));
    let cache = CredentialCache::builder(healing)
        .clock(clock.clone())
        .build();
    assert!(cache.get().await.is_err());
    tick(&clock, 10).await;
    assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
}

#[tokio::test(start_paused = true)]
async fn outage_keeps_valid_credential() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .fail(ProviderError::transient("down"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.advance(HOUR);
    for _ in 0..3600 {
        assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
        tick(&clock, 1).await;
    }
    // With eleven hours left, a cool-down is 5 min to 10 min.
    assert!(
        (6..=16).contains(&provider.calls()),
        "{} calls",
        provider.calls()
    );
    let status = cache.status();
    assert!(status.is_ready());
    assert_eq!(status.last_error().unwrap().to_string(), "down");
    assert_eq!(status.consecutive_failures() as usize, provider.calls() - 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .fail(ProviderError::transient("busy").with_retry_after(s(7)))
        .answer(token("t1.a"));
    let cache = cache(&provider, &clock);
    assert!(cache.get().await.is_err());
    // The requested delay, times a random 1 to 2.
    let next = cache.status().next_attempt_at().unwrap();
    let pause = next.duration_since(clock.wall()).unwrap();
    assert!((s(7)..=s(14)).contains(&pause), "{pause:?}");
    clock.advance(pause - Duration::from_millis(1));
    assert!(cache.get().await.is_err());
    clock.advance(Duration::from_millis(1));
    assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
    assert_eq!(provider.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn cool_down_shortens_when_entry_expires() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(
            Credential::iam_token("t1.a")
                .unwrap()
                .with_lifetime(s(1000)),
        )
        .fail(ProviderError::permanent("revoked"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.advance(s(800));
    for _ in 0..190 {
        cache.get().await.unwrap();
        tick(&clock, 1).await;
    }
    let while_valid = provider.calls();
    assert!(cache.get().await.is_err(), "expired");
    tick(&clock, 120).await;
    assert!(cache.get().await.is_err());
    assert!(provider.calls() > while_valid, "no attempt within 2 min");
}

#[tokio::test(start_paused = true)]
async fn callers_in_cool_down_join_refresh() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .fail(ProviderError::transient("down"))
        .after(s(1))
        .answer(token("t1.a"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap_err();
    let (refreshed, joined) = tokio::join!(cache.refresh(), cache.get());
    assert_eq!(text(&refreshed.unwrap()), "t1.a");
    assert_eq!(text(&joined.unwrap()), "t1.a");
}

#[tokio::test(start_paused = true)]
async fn expired_on_arrival_is_error_without_loop() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a").with_lifetime(Duration::ZERO));
    let cache = cache(&provider, &clock);
    for _ in 0..600 {
        let error = cache.get().await.unwrap_err();
        assert!(message(&error).contains("expired on arrival"), "{error}");
        clock.advance(Duration::from_millis(100));
        sleep(Duration::from_millis(100)).await;
    }
    assert!(
        provider.calls() <= 9,
        "{} calls in a minute",
        provider.calls()
    );
    assert_eq!(cache.status().state(), CacheState::Empty);
}

#[tokio::test(start_paused = true)]
async fn panic_of_provider_is_transient_error() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().panic().answer(token("t1.a"));
    let cache = cache(&provider, &clock);
    let error = cache.get().await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    clock.advance(s(1));
    assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
}
