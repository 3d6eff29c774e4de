//! A layer within a layer: only the inner one's credential is sent.

use std::convert::Infallible;

use http::{Request, Response};
use tower::{Layer, ServiceBuilder, ServiceExt};
use yandex_cloud_auth::retry::OnUnauthorized;
use yandex_cloud_auth::testing::ScriptedProvider;
use yandex_cloud_auth::{
    AuthLayer, AuthOverride, CacheState, Credential, Decision, ProviderError, RequestHead,
};

use crate::support::*;

async fn reject_grpc(_: Request<String>) -> Result<Response<String>, Infallible> {
    Ok(Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", "16")
        .body(String::new())
        .unwrap())
}

fn states(outer: &AuthLayer, inner: &AuthLayer) -> [CacheState; 2] {
    [outer, inner].map(|layer| layer.cache().status().state())
}

#[tokio::test]
async fn rejection_drops_only_inner_credential() {
    let outer = aged(ScriptedProvider::new().answer(token("t1.outer"))).await;
    let inner = aged(ScriptedProvider::new().answer(token("t1.inner"))).await;
    let mut client = outer.layer(inner.layer(tower::service_fn(reject)));
    send(&mut client, request(START)).await.unwrap();
    assert_eq!(
        states(&outer, &inner),
        [CacheState::Fresh, CacheState::Empty]
    );
}

#[tokio::test]
async fn grpc_rejection_drops_only_inner_credential() {
    let outer = aged(ScriptedProvider::new().answer(token("t1.outer"))).await;
    let inner = aged(ScriptedProvider::new().answer(token("t1.inner"))).await;
    let client = tower::service_fn(reject_grpc);
    let mut client = outer
        .clone()
        .grpc()
        .layer(inner.clone().grpc().layer(client));
    send(&mut client, request(START)).await.unwrap();
    assert_eq!(
        states(&outer, &inner),
        [CacheState::Fresh, CacheState::Empty]
    );
}

#[tokio::test]
async fn static_inner_credential_protects_outer_one() {
    let outer = aged(ScriptedProvider::new().answer(token("t1.outer"))).await;
    let inner = AuthLayer::new(key());
    let mut client = outer.layer(inner.layer(tower::service_fn(reject)));
    for _ in 0..3 {
        send(&mut client, request(START)).await.unwrap();
        assert_eq!(outer.cache().status().state(), CacheState::Fresh);
    }
}

#[tokio::test]
async fn inner_skip_protects_outer_credential() {
    let outer = aged(ScriptedProvider::new().answer(token("t1.outer"))).await;
    let inner =
        AuthLayer::new(key()).with_policy(|_: &RequestHead<'_>, _: &Credential| Decision::Skip);
    let mut client = outer.layer(inner.layer(tower::service_fn(reject)));
    send(&mut client, request(START)).await.unwrap();
    assert_eq!(outer.cache().status().state(), CacheState::Fresh);
}

#[tokio::test]
async fn inner_override_protects_outer_credential() {
    let outer = aged(ScriptedProvider::new().answer(token("t1.outer"))).await;
    let inner = AuthLayer::new(key());
    let client = inner.layer(tower::service_fn(reject));
    let mut client = outer.layer(client.map_request(|mut request: Request<String>| {
        request.extensions_mut().insert(AuthOverride::Anonymous);
        request
    }));
    send(&mut client, request(START)).await.unwrap();
    assert_eq!(outer.cache().status().state(), CacheState::Fresh);
}

#[tokio::test]
async fn inner_grpc_denial_protects_outer_credential() {
    let outer = aged(ScriptedProvider::new().answer(token("t1.outer"))).await;
    let failing = ScriptedProvider::new().fail(ProviderError::permanent("no key"));
    let inner = AuthLayer::new(failing).grpc();
    let mut client = outer.layer(inner.layer(tower::service_fn(echo)));
    send(&mut client, request(START)).await.unwrap();
    assert_eq!(outer.cache().status().state(), CacheState::Fresh);
}

#[tokio::test]
async fn replay_outside_both_carries_next_inner_credential() {
    let outer = aged(ScriptedProvider::new().answer(token("t1.outer"))).await;
    let provider = ScriptedProvider::new()
        .answer(token("t1.old"))
        .answer(token("t1.new"));
    let inner = aged(provider).await;
    let server = tower::service_fn(|request: Request<String>| async {
        let response = echo(request).await?;
        match response.body().as_str() {
            "Bearer t1.old" => reject(Request::new(())).await,
            _ => Ok(response),
        }
    });
    let mut client = ServiceBuilder::new()
        .retry(OnUnauthorized::new())
        .layer(outer)
        .layer(inner)
        .service(server);
    let body = send(&mut client, request(START)).await.unwrap();
    assert_eq!(body, "Bearer t1.new");
}
