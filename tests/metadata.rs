//! The metadata service: its request, and when a missing response means that it does not exist.

#[path = "support/script.rs"]
mod script;

use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::time::Instant;
use yandex_cloud_auth::testing::ManualClock;
use yandex_cloud_auth::{CredentialCache, CredentialProvider, MetadataService};

use crate::script::{Script, printed};

const TOKEN: &str = r#"{"access_token":"t1.abc","expires_in":39944,"token_type":"Bearer"}"#;

fn provider(script: &Script) -> MetadataService {
    MetadataService::new()
        .with_endpoint("http://169.254.169.254")
        .with_transport(script.clone())
}

#[tokio::test]
async fn fetch_sends_required_header_once() {
    let script = Script::new().reply(200, TOKEN);
    let credential = provider(&script).fetch().await.unwrap();
    assert_eq!(credential.header_value(), "Bearer t1.abc");
    assert_eq!(script.calls(), 1);
    let request = script.request(0);
    assert_eq!(request.method(), "GET");
    assert_eq!(
        request.uri(),
        "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token"
    );
    assert_eq!(request.headers()["metadata-flavor"], "Google");
    assert!(request.body().is_empty());
    assert!(
        !request.headers().contains_key("authorization")
            && !request.headers().contains_key("accept-encoding")
    );
}

#[tokio::test]
async fn token_is_due_after_five_minutes() {
    let script = Script::new().reply(200, TOKEN);
    let cache = CredentialCache::new(provider(&script));
    // The first credential is due at random, the second on schedule.
    cache.get().await.unwrap();
    cache.refresh().await.unwrap();
    let status = cache.status();
    let due = status
        .due_at()
        .unwrap()
        .duration_since(SystemTime::now())
        .unwrap();
    assert!((265..=300).contains(&due.as_secs()), "{due:?}");
    let end = status
        .expires_at()
        .unwrap()
        .duration_since(SystemTime::now())
        .unwrap();
    assert!((39_900..=39_944).contains(&end.as_secs()), "{end:?}");
}

#[tokio::test]
async fn absent_service_is_not_configured_until_seen() {
    for (script, words) in [
        (
            Script::new().reply(404, "canary"),
            "no service account is attached to this virtual machine",
        ),
        (
            Script::new().reply(400, "canary"),
            "`gce-http-endpoint` and `gce-http-token`",
        ),
        (
            Script::new().fail("connection refused"),
            "connection refused; is this a machine of Yandex Cloud?",
        ),
        (
            Script::new().reply(200, r#"{"access_token":"ya29.canary","expires_in":3599}"#),
            "the token is Google Cloud's",
        ),
    ] {
        let error = provider(&script).fetch().await.unwrap_err();
        assert!(error.is_not_configured() && script.calls() == 1, "{error}");
        assert!(
            error.to_string().starts_with("metadata service: ")
                && error.to_string().contains(words),
            "{error}"
        );
        assert!(!printed(&error).contains("canary"), "{error}");
    }
    for (script, words) in [
        (
            Script::new().reply(200, TOKEN).reply(404, ""),
            "no service account is attached",
        ),
        (
            Script::new().reply(200, TOKEN).reply(400, ""),
            "gce-http-token",
        ),
        (
            Script::new().reply(200, TOKEN).fail("connection refused"),
            "connection refused",
        ),
    ] {
        let provider = provider(&script);
        provider.fetch().await.unwrap();
        let error = provider.fetch().await.unwrap_err();
        assert!(
            error.is_transient() && error.to_string().contains(words),
            "{error}"
        );
        assert_eq!(script.calls(), 2);
    }
}

#[tokio::test]
async fn account_attached_later_is_found() {
    let script = Script::new().reply(404, "").reply(200, TOKEN);
    let clock = ManualClock::new();
    let cache = CredentialCache::builder(provider(&script))
        .clock(clock.clone())
        .build();
    for _ in 0..2 {
        assert!(
            cache
                .get()
                .await
                .unwrap_err()
                .to_string()
                .contains("no service account is attached")
        );
        assert_eq!(script.calls(), 1);
    }
    clock.advance(Duration::from_secs(1));
    assert_eq!(cache.get().await.unwrap().header_value(), "Bearer t1.abc");
    assert_eq!(script.calls(), 2);
}

#[tokio::test]
async fn other_responses_prove_service_exists() {
    for (status, body, transient) in [
        (403, "", false),
        (302, "", false),
        (429, "", true),
        (500, "", true),
        (200, "<html>", true),
        (200, r#"{"access_token":"t1.abc","token_type":"MAC"}"#, true),
        (
            200,
            r#"{"access_token":"t1.abc","access_token":"t1.abd"}"#,
            true,
        ),
        (200, r#"{"access_token":["t1.abc"]}"#, true),
        (200, &"[".repeat(60_000), true),
    ] {
        let script = Script::new().reply(status, body);
        let error = provider(&script).fetch().await.unwrap_err();
        assert_eq!(
            (error.is_transient(), error.is_permanent()),
            (transient, !transient),
            "{error}"
        );
        assert_eq!(script.calls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_service_is_probed_one_second() {
    let script = Script::new().hang();
    let start = Instant::now();
    let error = provider(&script).fetch().await.unwrap_err();
    assert!(
        error.is_not_configured() && error.to_string().contains("no response within a second"),
        "{error}"
    );
    assert_eq!(
        (start.elapsed(), script.calls()),
        (Duration::from_secs(1), 1)
    );

    let script = Script::new().reply(200, TOKEN).hang();
    let provider = provider(&script);
    provider.fetch().await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_secs(20), provider.fetch())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn refused_connection_is_not_configured() {
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let provider = MetadataService::new().with_endpoint(format!("http://127.0.0.1:{port}"));
    let error = provider.fetch().await.unwrap_err();
    assert!(error.is_not_configured(), "{error}");
}

#[tokio::test]
async fn silent_server_costs_one_second() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let provider =
        MetadataService::new().with_endpoint(format!("http://{}", silent.local_addr().unwrap()));
    let start = Instant::now();
    let error = provider.fetch().await.unwrap_err();
    assert!(error.is_not_configured(), "{error}");
    assert!(
        (1..3).contains(&start.elapsed().as_secs()),
        "{:?}",
        start.elapsed()
    );
}
