//! Impersonation: which token is sent, and what happens if it is rejected.

#[path = "support/token.rs"]
mod token;

#[path = "support/script.rs"]
mod script;

use std::time::Duration;

use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{
    Credential, CredentialCache, CredentialProvider, Impersonation, ProviderError,
};

use crate::script::{Script, iam_token, printed};

use crate::token::token;

/// A source of two tokens, whose cache may drop the first one already.
async fn source(clock: &ManualClock) -> (ScriptedProvider, CredentialCache) {
    let source = ScriptedProvider::new()
        .answer(token("t1.first-canary"))
        .answer(token("t1.second-canary"));
    let cache = CredentialCache::builder(source.clone())
        .clock(clock.clone())
        .build();
    cache.get().await.unwrap();
    clock.advance(Duration::from_secs(60));
    (source, cache)
}

#[tokio::test]
async fn source_token_is_fetched_once() {
    let source = ScriptedProvider::new().answer(token("t1.source"));
    let script = Script::new().reply(200, iam_token("t1.target", 60));
    let provider = Impersonation::new(source.clone(), "aje\"0").with_transport(script.clone());
    for _ in 0..3 {
        assert_eq!(
            provider.fetch().await.unwrap().header_value(),
            "Bearer t1.target"
        );
    }
    assert_eq!((source.calls(), script.calls()), (1, 3));
    let request = script.request(0);
    assert_eq!(request.method(), "POST");
    assert_eq!(
        request.uri(),
        "https://iam.api.cloud.yandex.net/iam/v1/tokens:createForServiceAccount"
    );
    assert_eq!(request.headers()["authorization"], "Bearer t1.source");
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(request.body(), r#"{"serviceAccountId":"aje\"0"}"#);
}

#[tokio::test]
async fn rejected_source_token_is_replaced_once() {
    let clock = ManualClock::new();
    let (source, cache) = source(&clock).await;
    let script = Script::new()
        .reply(401, r#"{"code":16,"message":"bad t1.first-canary"}"#)
        .reply(200, iam_token("t1.target", 60));
    let provider = Impersonation::from_cache(cache, "aje0").with_transport(script.clone());
    assert_eq!(
        provider.fetch().await.unwrap().header_value(),
        "Bearer t1.target"
    );
    assert_eq!((source.calls(), script.calls()), (2, 2));
    assert_eq!(
        script.request(0).headers()["authorization"],
        "Bearer t1.first-canary"
    );
    assert_eq!(
        script.request(1).headers()["authorization"],
        "Bearer t1.second-canary"
    );
}

#[tokio::test]
async fn always_rejected_source_is_rate_limited() {
    let clock = ManualClock::new();
    let (source, cache) = source(&clock).await;
    let script = Script::new().reply(401, r#"{"code":16,"message":"bad t1.first-canary"}"#);
    let provider = Impersonation::from_cache(cache, "aje0").with_transport(script.clone());
    for calls in [2, 3, 4] {
        let error = provider.fetch().await.unwrap_err();
        assert!(
            error.is_permanent()
                && error
                    .to_string()
                    .contains("IAM does not accept the token of the source"),
            "{error}"
        );
        assert!(!printed(&error).contains("canary"), "{error}");
        assert_eq!((source.calls(), script.calls()), (2, calls));
    }
}

#[tokio::test]
async fn missing_role_drops_nothing() {
    let clock = ManualClock::new();
    let (source, cache) = source(&clock).await;
    let script = Script::new().reply(403, r#"{"code":7,"message":"Permission denied"}"#);
    let provider = Impersonation::from_cache(cache.clone(), "aje0").with_transport(script.clone());
    let error = provider.fetch().await.unwrap_err();
    assert!(
        error.is_permanent()
            && error
                .to_string()
                .contains("iam.serviceAccounts.tokenCreator"),
        "{error}"
    );
    assert_eq!((source.calls(), script.calls()), (1, 1));
    assert!(cache.peek().is_some());
}

#[tokio::test]
async fn failed_source_sends_no_request() {
    let script = Script::new().reply(200, iam_token("t1.target", 60));
    let failing = ScriptedProvider::new()
        .fail(ProviderError::not_configured("no key here").with_provider("disk"));
    let error = Impersonation::new(failing, "aje0")
        .with_transport(script.clone())
        .fetch()
        .await
        .unwrap_err();
    assert!(error.is_not_configured());
    assert_eq!(error.to_string(), "disk: no key here");

    let key = Credential::api_key("AQVNcanary").unwrap();
    let error = Impersonation::new(key, "aje0")
        .with_transport(script.clone())
        .fetch()
        .await
        .unwrap_err();
    assert!(
        error.is_permanent() && error.to_string().contains("API key"),
        "{error}"
    );
    assert_eq!(script.calls(), 0);
}
