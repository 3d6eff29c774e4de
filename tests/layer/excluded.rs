//! A request that is excluded from dropping: gRPC code 16 also answers a missing folder header.

use std::convert::Infallible;

use http::{Request, Response};
use tower::{Layer, Service};
use yandex_cloud_auth::testing::ScriptedProvider;
use yandex_cloud_auth::{AuthLayer, AuthOverride, CacheState};

use crate::support::*;

/// Answers a request with its credential by code 16, as a service without a folder header does.
async fn no_folder(request: Request<String>) -> Result<Response<String>, Infallible> {
    assert_eq!(request.headers()["authorization"], "Bearer t1.cached");
    let response = Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", "16");
    Ok(response.body(String::new()).unwrap())
}

/// The state of the cache after one request, which `exclude` may change.
async fn state_after(grpc: bool, exclude: bool) -> CacheState {
    let layer: AuthLayer = aged(ScriptedProvider::new().answer(token("t1.cached"))).await;
    let cache = layer.cache().clone();
    let mut request = request(&format!("{WORKFLOWS}{START}"));
    if exclude {
        let credential = cache.get().await.unwrap();
        request
            .extensions_mut()
            .insert(AuthOverride::Use(credential));
    }
    let inner = tower::service_fn(no_folder);
    if grpc {
        layer.grpc().layer(inner).call(request).await.unwrap();
    } else {
        layer.layer(inner).call(request).await.unwrap();
    }
    cache.status().state()
}

#[tokio::test]
async fn code_16_under_override_drops_nothing() {
    for grpc in [false, true] {
        assert_eq!(state_after(grpc, true).await, CacheState::Fresh);
        assert_eq!(state_after(grpc, false).await, CacheState::Empty);
    }
}
