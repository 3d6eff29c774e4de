//! Where each network provider sends its request in each region.

#[path = "support/script.rs"]
mod script;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use yandex_cloud_auth::{
    Credential, CredentialProvider, Impersonation, MetadataService, OAuthToken, Region,
    ServiceAccountKey, WorkloadIdentity,
};

use crate::script::{Script, iam_token};

const KEY: &str = include_str!("fixtures/service_account_key.json");

/// The regions, and where IAM is in each.
fn regions() -> [(Region, &'static str); 3] {
    [
        (Region::russia(), "https://iam.api.cloud.yandex.net"),
        (Region::kazakhstan(), "https://iam.api.yandexcloud.kz"),
        (
            Region::at("api.example.net").unwrap(),
            "https://iam.api.example.net",
        ),
    ]
}

fn key() -> ServiceAccountKey {
    ServiceAccountKey::from_json(KEY).unwrap()
}

fn script() -> Script {
    Script::new().reply(200, iam_token("t1.token", 3600))
}

fn workload() -> WorkloadIdentity {
    WorkloadIdentity::from_fn("aje1", || async { Ok("e30.e30.c2ln".to_owned()) })
}

fn url(script: &Script) -> String {
    assert_eq!(script.calls(), 1);
    script.request(0).uri().to_string()
}

fn audience(script: &Script) -> String {
    let body: Value = serde_json::from_slice(script.request(0).body()).unwrap();
    let claims = body["jwt"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["aud"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn key_uses_endpoint_and_audience_of_region() {
    for (region, iam) in regions() {
        let script = script();
        let provider = key().with_region(&region).with_transport(script.clone());
        provider.fetch().await.unwrap();
        assert_eq!(url(&script), format!("{iam}/iam/v1/tokens"));
        assert_eq!(audience(&script), format!("{iam}/iam/v1/tokens"));
    }
}

#[tokio::test]
async fn last_setter_of_endpoint_and_audience_counts() {
    let script = script();
    key()
        .with_region(&Region::kazakhstan())
        .with_endpoint("https://proxy.example")
        .with_transport(script.clone())
        .fetch()
        .await
        .unwrap();
    assert_eq!(url(&script), "https://proxy.example/iam/v1/tokens");
    assert_eq!(
        audience(&script),
        "https://iam.api.yandexcloud.kz/iam/v1/tokens"
    );

    let script = self::script();
    key()
        .with_endpoint("https://proxy.example")
        .with_region(&Region::kazakhstan())
        .with_audience("https://iam.api.cloud.yandex.net/iam/v1/tokens")
        .with_transport(script.clone())
        .fetch()
        .await
        .unwrap();
    assert_eq!(url(&script), "https://iam.api.yandexcloud.kz/iam/v1/tokens");
    assert_eq!(
        audience(&script),
        "https://iam.api.cloud.yandex.net/iam/v1/tokens"
    );
}

#[tokio::test]
async fn oauth_token_and_impersonation_use_iam_of_region() {
    for (region, iam) in regions() {
        let script = script();
        let provider = OAuthToken::new("y0_token").unwrap().with_region(&region);
        provider
            .with_transport(script.clone())
            .fetch()
            .await
            .unwrap();
        assert_eq!(url(&script), format!("{iam}/iam/v1/tokens"));

        let script = self::script();
        let source = Credential::iam_token("t1.source").unwrap();
        let provider = Impersonation::new(source, "aje1").with_region(&region);
        provider
            .with_transport(script.clone())
            .fetch()
            .await
            .unwrap();
        assert_eq!(
            url(&script),
            format!("{iam}/iam/v1/tokens:createForServiceAccount")
        );
    }
}

#[tokio::test]
async fn token_exchange_is_known_for_russia_only() {
    let response = r#"{"access_token":"t1.token","token_type":"Bearer","expires_in":3600}"#;
    let russian = Script::new().reply(200, response);
    let provider = workload().with_region(&Region::russia());
    provider
        .with_transport(russian.clone())
        .fetch()
        .await
        .unwrap();
    assert_eq!(url(&russian), "https://auth.yandex.cloud/oauth/token");

    let script = Script::new().reply(200, response);
    let provider = workload().with_region(&Region::kazakhstan());
    let provider = provider.with_transport(script.clone());
    let error = provider.fetch().await.unwrap_err();
    assert!(error.is_permanent() && script.calls() == 0, "{error}");
    assert_eq!(
        error.to_string(),
        "workload identity: the endpoint of the token exchange is not known for the region \
         api.yandexcloud.kz: set it with `with_endpoint`"
    );

    let provider = provider.with_endpoint("https://auth.example");
    provider.fetch().await.unwrap();
    assert_eq!(url(&script), "https://auth.example/oauth/token");
}

#[tokio::test]
async fn metadata_service_is_same_in_every_region() {
    for (region, _) in regions() {
        let response = r#"{"access_token":"t1.vm","token_type":"Bearer","expires_in":3600}"#;
        let script = Script::new().reply(200, response);
        let provider = MetadataService::new()
            .with_endpoint("http://127.0.0.1:1")
            .with_region(&region);
        provider
            .with_transport(script.clone())
            .fetch()
            .await
            .unwrap();
        let path = "/computeMetadata/v1/instance/service-accounts/default/token";
        assert_eq!(url(&script), format!("http://127.0.0.1:1{path}"));
    }
}
