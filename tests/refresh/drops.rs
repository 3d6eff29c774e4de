//! Drops, and the limits on them.

use std::time::Duration;

use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{CacheState, Credential, CredentialCache};

use crate::support::{HOUR, cache, s, text};
use crate::token::token;

#[tokio::test(start_paused = true)]
async fn drops_are_limited_by_age_and_spacing() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"))
        .answer(token("t1.c"));
    let cache = cache(&provider, &clock);
    let first = cache.get().await.unwrap();
    clock.advance(Duration::from_millis(4999));
    assert!(!cache.invalidate(&first), "too young");
    clock.advance(Duration::from_millis(1));
    assert!(!cache.invalidate(&token("t1.other")), "another one");
    assert!(
        !cache.invalidate(&Credential::api_key("a").unwrap()),
        "another scheme"
    );
    assert!(cache.invalidate(&first));
    assert!(!cache.invalidate(&first), "already dropped");
    assert_eq!(cache.status().state(), CacheState::Empty);

    let second = cache.get().await.unwrap();
    assert!(!cache.invalidate(&first), "the new credential stays");
    clock.advance(s(29));
    assert!(!cache.invalidate(&second), "too soon after the last drop");
    clock.advance(s(1));
    assert!(cache.invalidate(&second));
    assert_eq!(text(&cache.get().await.unwrap()), "t1.c");
    assert_eq!(cache.status().generation(), 3);
}

#[tokio::test(start_paused = true)]
async fn static_credential_is_never_dropped() {
    let clock = ManualClock::new();
    let key = Credential::api_key("AQVN1").unwrap();
    let cache = CredentialCache::builder(key.clone())
        .clock(clock.clone())
        .build();
    cache.get().await.unwrap();
    clock.advance(24 * HOUR);
    assert!(!cache.invalidate(&key));
    assert_eq!(cache.status().state(), CacheState::Fresh);
    assert_eq!(cache.status().due_at(), None);
}
