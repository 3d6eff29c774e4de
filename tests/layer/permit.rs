//! A request that is not sent leaves the inner service unreserved.

use std::time::Duration;

use http::Request;
use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt};
use yandex_cloud_auth::testing::ScriptedProvider;
use yandex_cloud_auth::{AuthLayer, AuthOverride, Credential, ProviderError};

use crate::support::*;

/// Sends a request that `layer` refuses, keeps the service, and asserts that the one permit of the
/// inner service is free.
async fn assert_permit_is_free(layer: AuthLayer, request: Request<String>) {
    let permits = std::sync::Arc::new(Semaphore::new(1));
    let client = ConcurrencyLimit::with_semaphore(tower::service_fn(echo), permits.clone());
    let mut service = layer.layer(client);
    let response = service.ready().await.unwrap().call(request);
    assert!(response.await.is_err());
    assert_eq!(permits.available_permits(), 1);
}

fn foreign() -> Request<String> {
    request("https://evil.example/")
}

#[tokio::test]
async fn denied_request_releases_permit() {
    // Denied before there is a credential, by the shared entry, and by the local copy.
    let cold = AuthLayer::new(ScriptedProvider::new().hang());
    assert_permit_is_free(cold, foreign()).await;

    let warm = AuthLayer::new(key());
    assert_permit_is_free(warm, request(CREATE)).await;

    let permits = std::sync::Arc::new(Semaphore::new(1));
    let client = ConcurrencyLimit::with_semaphore(tower::service_fn(echo), permits.clone());
    let mut service = AuthLayer::new(key()).layer(client);
    for _ in 0..3 {
        send(&mut service, request(START)).await.unwrap();
    }
    send(&mut service, request(CREATE)).await.unwrap_err();
    assert_eq!(permits.available_permits(), 1);
}

#[tokio::test]
async fn denied_override_releases_permit() {
    let mut denied = request(CREATE);
    denied.extensions_mut().insert(AuthOverride::Use(key()));
    assert_permit_is_free(AuthLayer::new(token("t1.a")), denied).await;
}

#[tokio::test(start_paused = true)]
async fn request_denied_after_waiting_releases_permit() {
    let provider = ScriptedProvider::new()
        .after(Duration::from_secs(1))
        .answer(key());
    assert_permit_is_free(AuthLayer::new(provider), request(CREATE)).await;
}

#[tokio::test]
async fn failed_fetch_releases_permit() {
    let provider = ScriptedProvider::new().fail(ProviderError::transient("down"));
    assert_permit_is_free(AuthLayer::new(provider), request(START)).await;
}

#[tokio::test]
async fn denied_future_releases_permit_before_poll() {
    let permits = std::sync::Arc::new(Semaphore::new(1));
    let client = ConcurrencyLimit::with_semaphore(tower::service_fn(echo), permits.clone());
    let mut service = AuthLayer::new(key()).layer(client);
    let _response = service.ready().await.unwrap().call(request(CREATE));
    assert_eq!(permits.available_permits(), 1);
}

#[tokio::test]
async fn unused_service_releases_permit() {
    let permits = std::sync::Arc::new(Semaphore::new(1));
    let client =
        ConcurrencyLimit::with_semaphore(tower::service_fn(echo::<String>), permits.clone());
    let provider = ScriptedProvider::new().hang();
    let mut service = AuthLayer::new(provider.clone()).layer(client);
    for _ in 0..5 {
        service.ready().await.unwrap();
    }
    assert_eq!(permits.available_permits(), 0);
    drop(service);
    assert_eq!(permits.available_permits(), 1);
    assert_eq!(provider.calls(), 0);
}

#[tokio::test]
async fn denied_grpc_request_releases_permit() {
    let permits = std::sync::Arc::new(Semaphore::new(1));
    let client = ConcurrencyLimit::with_semaphore(tower::service_fn(echo), permits.clone());
    let mut service = AuthLayer::new(Credential::api_key("AQVN1").unwrap())
        .grpc()
        .layer(client);
    let response = service.ready().await.unwrap().call(request(CREATE));
    assert_eq!(response.await.unwrap().headers()["grpc-status"], "7");
    assert_eq!(permits.available_permits(), 1);
}

#[tokio::test]
async fn service_serves_after_denied_request() {
    let permits = std::sync::Arc::new(Semaphore::new(1));
    let client = ConcurrencyLimit::with_semaphore(tower::service_fn(echo), permits);
    let mut service = AuthLayer::new(key()).layer(client);
    for _ in 0..3 {
        send(&mut service, request(CREATE)).await.unwrap_err();
        assert_eq!(
            send(&mut service, request(START)).await.unwrap(),
            "Api-Key AQVN1"
        );
    }
}
