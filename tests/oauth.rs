//! OAuth tokens: the exchange, and its errors.

#[path = "support/script.rs"]
mod script;

use yandex_cloud_auth::{CredentialProvider, OAuthToken};

use crate::script::{Script, iam_token, printed};

#[tokio::test]
async fn oauth_token_is_exchanged_once() {
    let script = Script::new().reply(200, iam_token("t1.abc", 60));
    let provider = OAuthToken::new("y0_canary")
        .unwrap()
        .with_transport(script.clone());
    assert!(!format!("{provider:?}").contains("canary"));
    assert_eq!(
        provider.fetch().await.unwrap().header_value(),
        "Bearer t1.abc"
    );
    assert_eq!(script.calls(), 1);
    let request = script.request(0);
    assert_eq!(
        request.uri(),
        "https://iam.api.cloud.yandex.net/iam/v1/tokens"
    );
    assert_eq!(
        request.body(),
        r#"{"yandexPassportOauthToken":"y0_canary"}"#
    );
    assert!(!request.headers().contains_key("authorization"));
}

#[tokio::test]
async fn rejection_says_tokens_are_deprecated() {
    let script = Script::new().reply(
        401,
        r#"{"code":16,"message":"OAuth token is invalid or expired: y0_canary"}"#,
    );
    let error = OAuthToken::new("y0_canary")
        .unwrap()
        .with_transport(script.clone())
        .fetch()
        .await
        .unwrap_err();
    assert!(
        error.is_permanent() && error.to_string().contains("issued from 2026-06-01 on"),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("OAuth token is invalid or expired")
            && !printed(&error).contains("canary"),
        "{error}"
    );
    assert_eq!(script.calls(), 1);
}

#[test]
fn invalid_token_fails_constructor() {
    for (text, offset) in [
        ("y0_canary\n", Some(9)),
        ("", None),
        ("y0_canary\"", Some(9)),
    ] {
        let error = OAuthToken::new(text).unwrap_err();
        assert_eq!(error.offset(), offset);
        assert!(!printed(&error).contains("canary"));
    }
}

#[test]
fn token_of_other_kind_or_length_fails_constructor() {
    for (text, reason) in [
        ("y".repeat(4001), "longer than 4000 characters"),
        ("t1.canary".into(), "not an OAuth token"),
        ("AQVNcanary".into(), "not an OAuth token"),
    ] {
        let error = OAuthToken::new(text).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!printed(&error).contains("canary"));
    }
    assert!(OAuthToken::new("y".repeat(4000)).is_ok());
}
