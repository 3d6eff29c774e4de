//! `CredentialCache::get_valid_for`: a credential for a long call.

use std::time::Duration;

use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{Credential, ProviderError};

use crate::support::{HOUR, cache};
use crate::token::token;

const MINUTE: Duration = Duration::from_secs(60);

fn header(credential: &Credential) -> &str {
    credential.header_value().to_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn cached_credential_is_returned_while_valid_long_enough() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a").with_lifetime(HOUR));
    let cache = cache(&provider, &clock);
    // The last ten seconds of its life are not counted.
    let duration = HOUR - Duration::from_secs(10);
    for _ in 0..3 {
        let credential = cache.get_valid_for(duration).await.unwrap();
        assert_eq!(header(&credential), "Bearer t1.a");
    }
    assert_eq!(provider.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn shorter_credential_is_replaced_by_one_shared_fetch() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a").with_lifetime(HOUR))
        .answer(token("t1.b").with_lifetime(HOUR));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.advance(2 * MINUTE);
    let (one, other) = tokio::join!(
        cache.get_valid_for(59 * MINUTE),
        cache.get_valid_for(59 * MINUTE)
    );
    assert_eq!(header(&one.unwrap()), "Bearer t1.b");
    assert_eq!(header(&other.unwrap()), "Bearer t1.b");
    assert_eq!(provider.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn impossible_duration_fetches_once_a_minute() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a").with_lifetime(HOUR));
    let cache = cache(&provider, &clock);
    for calls in 1..=3 {
        for _ in 0..10 {
            let error = cache.get_valid_for(2 * HOUR).await.unwrap_err();
            assert!(error.is_permanent());
            assert!(
                error
                    .to_string()
                    .starts_with("no credential is valid for 7200s"),
                "{error}"
            );
        }
        assert_eq!(provider.calls(), calls);
        clock.advance(MINUTE);
    }
    assert!(cache.peek().is_some(), "the cached credential stays");
}

#[tokio::test(start_paused = true)]
async fn cool_down_applies_to_longer_credentials() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a").with_lifetime(HOUR))
        .fail(ProviderError::transient("down"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.advance(2 * MINUTE);
    for _ in 0..10 {
        let error = cache.get_valid_for(59 * MINUTE).await.unwrap_err();
        assert_eq!(error.to_string(), "down");
    }
    assert_eq!(provider.calls(), 2);
    assert!(cache.peek().is_some());
}
