//! Expiry by the wall clock and by the monotonic clock.

use std::time::Duration;

use yandex_cloud_auth::Clock;
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{CacheState, Credential};

use crate::support::{HOUR, cache, s, text};
use crate::token::token;

#[tokio::test(start_paused = true)]
async fn each_clock_alone_expires_credential() {
    for moved in [ManualClock::advance_wall, ManualClock::advance_monotonic] {
        let clock = ManualClock::new();
        let provider = ScriptedProvider::new()
            .answer(token("t1.a"))
            .answer(token("t1.b"));
        let cache = cache(&provider, &clock);
        cache.get().await.unwrap();
        moved(&clock, 13 * HOUR);
        assert!(cache.peek().is_none());
        assert_eq!(text(&cache.get().await.unwrap()), "t1.b");
        assert_eq!(provider.calls(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn wall_clock_set_back_extends_nothing() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.rewind_wall(2 * HOUR);
    assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
    clock.advance(12 * HOUR);
    assert_eq!(cache.status().state(), CacheState::Expired);
    assert_eq!(text(&cache.get().await.unwrap()), "t1.b");
    clock.rewind_wall(Duration::from_secs(
        clock
            .wall()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs()
            + 5,
    ));
    assert!(cache.peek().is_some(), "before 1970");
}

#[tokio::test(start_paused = true)]
async fn extreme_lifetimes_never_panic() {
    for lifetime in [Duration::MAX, s(u64::MAX), s(1), Duration::from_nanos(1)] {
        let clock = ManualClock::new();
        let provider = ScriptedProvider::new().answer(
            Credential::iam_token("t1.a")
                .unwrap()
                .with_lifetime(lifetime),
        );
        let cache = cache(&provider, &clock);
        let _ = cache.get().await;
        clock.advance(2 * HOUR);
        assert_eq!(cache.peek().is_some(), lifetime > 2 * HOUR, "{lifetime:?}");
        let _ = (cache.get().await, cache.status());
    }
}
