//! Limits on the number of fetches.

use std::time::Duration;

use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};

use crate::support::{HOUR, cache};
use crate::token::token;

const SECOND: Duration = Duration::from_secs(1);

/// Advances both clocks and lets the tasks run.
async fn pass(clock: &ManualClock, time: Duration) {
    clock.advance(time);
    tokio::time::sleep(time).await;
}

#[tokio::test(start_paused = true)]
async fn drops_double_while_every_credential_is_rejected() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a"));
    let cache = cache(&provider, &clock);
    let mut drops = Vec::new();
    for second in 0..3600 {
        let rejected = cache.get().await.unwrap();
        if cache.invalidate(&rejected) {
            drops.push(second);
        }
        pass(&clock, SECOND).await;
    }
    let spacings: Vec<u64> = drops.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(spacings[..6], [30, 60, 120, 240, 480, 600]);
    assert!(drops.len() < 11, "{drops:?}");
    assert!(provider.calls() < 25, "{} fetches", provider.calls());
}

#[tokio::test(start_paused = true)]
async fn drop_spacing_starts_anew_after_accepted_credential() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a"));
    let cache = cache(&provider, &clock);
    for _ in 0..2 {
        for wait in [6, 30, 60] {
            let rejected = cache.get().await.unwrap();
            pass(&clock, Duration::from_secs(wait)).await;
            assert!(cache.invalidate(&rejected), "{wait}");
        }
        // There are two renewals: the first replaces a credential that was not rejected.
        for _ in 0..2 {
            cache.refresh().await.unwrap();
            pass(&clock, HOUR).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn drop_spacing_holds_after_accepted_credential() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a"));
    let cache = cache(&provider, &clock);
    let rejected = cache.get().await.unwrap();
    pass(&clock, 6 * SECOND).await;
    assert!(cache.invalidate(&rejected));
    cache.get().await.unwrap();
    // It replaces a credential that was not rejected.
    let accepted = cache.refresh().await.unwrap();
    pass(&clock, 6 * SECOND).await;
    assert!(!cache.invalidate(&accepted));
}

#[tokio::test(start_paused = true)]
async fn millisecond_tokens_cost_one_fetch_a_cool_down() {
    let clock = ManualClock::new();
    for lifetime in [1, 500, 999] {
        let lifetime = Duration::from_millis(lifetime);
        let provider = ScriptedProvider::new().answer(token("t1.a").with_lifetime(lifetime));
        let cache = cache(&provider, &clock);
        for _ in 0..1000 {
            let error = cache.get().await.unwrap_err();
            assert!(error.to_string().contains("expired on arrival"), "{error}");
            pass(&clock, Duration::from_millis(1)).await;
        }
        assert!(provider.calls() <= 2, "{} fetches", provider.calls());
    }
}

#[tokio::test(start_paused = true)]
async fn second_tokens_cost_about_one_fetch_a_second() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a").with_lifetime(SECOND));
    let cache = cache(&provider, &clock);
    for _ in 0..10_000 {
        cache.get().await.unwrap();
        pass(&clock, Duration::from_millis(1)).await;
    }
    assert!(provider.calls() <= 22, "{} fetches", provider.calls());
}
