//! `with_origin`: where a request without authority goes.

use tower::Layer;
use yandex_cloud_auth::testing::ScriptedProvider;
use yandex_cloud_auth::{
    ApiKeyRules, AuthLayer, AuthOverride, Policy, TrustedOrigins, Unrestricted,
};

use crate::support::*;

/// What the client receives for a request to `uri`, from a cold and a warm service.
async fn sent<P: Policy + Clone>(layer: &AuthLayer<P>, uri: &str) -> Result<String, String> {
    let mut service = layer.layer(tower::service_fn(echo));
    let cold = send(&mut service, request(uri)).await;
    for _ in 0..3 {
        assert_eq!(send(&mut service, request(uri)).await, cold, "{uri}");
    }
    cold
}

fn at(origin: &str) -> AuthLayer {
    AuthLayer::new(token("t1.a")).with_origin(origin).unwrap()
}

#[tokio::test]
async fn request_without_authority_is_judged_by_origin() {
    for (origin, trusted) in [
        (WORKFLOWS, true),
        ("https://API.cloud.yandex.net:443", true),
        ("http://serverless-workflows.api.cloud.yandex.net", false),
        (
            "https://serverless-workflows.api.cloud.yandex.net:8443",
            false,
        ),
        ("http://127.0.0.1:1234", false),
        ("https://evil.example", false),
    ] {
        let result = sent(&at(origin), START).await;
        assert_eq!(result.is_ok(), trusted, "{origin}: {result:?}");
    }
}

#[tokio::test]
async fn authority_in_uri_takes_precedence() {
    let trusted = at(WORKFLOWS);
    let plain = format!("http://serverless-workflows.api.cloud.yandex.net{START}");
    assert!(sent(&trusted, &plain).await.is_err());
    assert!(sent(&trusted, "https://evil.example/").await.is_err());

    let untrusted = at("http://127.0.0.1:1");
    let result = sent(&untrusted, &format!("{WORKFLOWS}{START}")).await;
    assert_eq!(result.unwrap(), "Bearer t1.a");
}

#[tokio::test]
async fn untrusted_origin_starts_no_fetch() {
    let provider = ScriptedProvider::new().hang();
    let layer = AuthLayer::new(provider.clone())
        .with_origin("http://a.example")
        .unwrap();
    let error = sent(&layer, START).await.unwrap_err();
    assert!(
        error.starts_with("credentials go only over `https`"),
        "{error}"
    );
    assert_eq!(provider.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn waiting_request_is_judged_by_origin() {
    let rules = ApiKeyRules::none()
        .allow_rest("https://a.example", "/x")
        .unwrap();
    for (origin, allowed) in [("https://a.example", true), ("https://b.example", false)] {
        let provider = ScriptedProvider::new()
            .after(std::time::Duration::from_secs(1))
            .answer(key());
        let layer = AuthLayer::new(provider)
            .with_policy(rules.clone())
            .with_origin(origin)
            .unwrap();
        assert_eq!(sent(&layer, "/x/y").await.is_ok(), allowed, "{origin}");
    }
}

#[tokio::test]
async fn origin_applies_to_grpc_and_overrides() {
    let layer = at("http://a.example");
    let mut service = layer.clone().grpc().layer(tower::service_fn(echo));
    let response = tower::Service::call(&mut service, request(START)).await;
    assert_eq!(response.unwrap().headers()["grpc-status"], "7");

    let mut used = request(START);
    used.extensions_mut()
        .insert(AuthOverride::Use(token("t1.b")));
    let mut service = layer.layer(tower::service_fn(echo));
    assert!(send(&mut service, used).await.is_err());
}

#[tokio::test]
async fn origin_stays_with_other_policies() {
    let origins = TrustedOrigins::none()
        .allow("https://a.example:8443")
        .unwrap();
    let layer = at("https://a.example:8443");
    assert!(sent(&layer, START).await.is_err());
    assert!(
        sent(&layer.clone().with_policy(origins), START)
            .await
            .is_ok()
    );
    let layer = at("http://a.example").with_policy(Unrestricted);
    assert!(sent(&layer, START).await.is_ok());
}

#[test]
fn text_that_is_no_origin_is_rejected() {
    for text in ["", "a.example", "https://a.example/x", "ftp://a.example"] {
        assert!(AuthLayer::new(key()).with_origin(text).is_err(), "{text:?}");
    }
}

#[tokio::test]
async fn clones_of_layer_differ_in_origin() {
    let trusted = at(WORKFLOWS);
    let plain = trusted.clone().with_origin("http://a.example").unwrap();
    assert!(sent(&trusted, START).await.is_ok());
    assert!(sent(&plain, START).await.is_err());
}
