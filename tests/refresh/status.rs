//! `CacheStatus`.

use tokio::time::sleep;
use yandex_cloud_auth::Clock;
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{CacheState, Credential, CredentialCache, ProviderError};

use crate::support::{HOUR, cache, s};
use crate::token::token;

#[tokio::test(start_paused = true)]
async fn status_shows_every_state() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(
            Credential::iam_token("t1.a")
                .unwrap()
                .with_lifetime(s(1000)),
        )
        .fail(ProviderError::transient("down"));
    let cache = cache(&provider, &clock);
    let status = cache.status();
    assert_eq!(
        (status.state(), status.is_ready(), status.generation()),
        (CacheState::Empty, false, 0)
    );
    assert_eq!(
        (status.fetched_at(), status.expires_at(), status.due_at()),
        (None, None, None)
    );

    let fetched_at = clock.wall();
    assert_eq!(
        cache.get().await.unwrap().expires_at(),
        Some(fetched_at + s(1000))
    );
    let status = cache.status();
    assert_eq!(
        (status.state(), status.is_ready(), status.generation()),
        (CacheState::Fresh, true, 1)
    );
    assert_eq!(
        (status.fetched_at(), status.expires_at()),
        (Some(fetched_at), Some(fetched_at + s(1000)))
    );
    let due = status.due_at().unwrap().duration_since(fetched_at).unwrap();
    assert!((s(72)..=s(800)).contains(&due), "{due:?}");

    clock.advance(s(800));
    cache.get().await.unwrap();
    sleep(s(1)).await;
    let status = cache.status();
    assert_eq!(
        (
            status.state(),
            status.is_ready(),
            status.consecutive_failures()
        ),
        (CacheState::Due, true, 1)
    );
    assert!(status.next_attempt_at().unwrap() > clock.wall());

    clock.advance(s(190));
    let status = cache.status();
    assert_eq!(
        (status.state(), status.is_ready()),
        (CacheState::Expired, false)
    );
}

#[tokio::test]
async fn debug_shows_settings_and_status() {
    let builder = CredentialCache::builder(token("t1.canary")).max_age(HOUR);
    let shown = format!("{builder:?}");
    assert_eq!(
        shown,
        "CredentialCacheBuilder { max_age: 3600s, fetch_timeout: 30s, .. }"
    );
    let shown = format!("{:?}", builder.build());
    let status = "CredentialCache { status: CacheStatus { state: Fresh";
    assert!(shown.starts_with(status), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn next_attempt_is_sooner_without_credential() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a").with_lifetime(s(1000)))
        .fail(ProviderError::permanent("revoked"));
    let cache = cache(&provider, &clock);
    let credential = cache.get().await.unwrap();
    clock.advance(s(500));
    cache.refresh().await.unwrap_err();
    let pause = || {
        let next = cache.status().next_attempt_at().unwrap();
        next.duration_since(clock.wall()).unwrap()
    };
    assert!(pause() > s(100), "{:?}", pause());
    assert!(cache.invalidate(&credential));
    assert!(pause() <= s(10), "{:?}", pause());
}
