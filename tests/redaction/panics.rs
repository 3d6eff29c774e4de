//! The error of a panic does not contain its payload.

use std::panic::panic_any;

use http::{Request, Response};
use tower::{Layer, ServiceExt};
use yandex_cloud_auth::*;

use crate::canary::*;

#[tokio::test]
async fn panic_payload_is_in_no_error() {
    let as_text = || async { panic!("{TOKEN} is wrong") };
    let as_string = || async { panic_any(TOKEN.to_owned()) };
    let as_error = || async {
        Err(ProviderError::permanent(
            Credential::iam_token(format!("{TOKEN} ")).unwrap_err(),
        ))
    };
    let early = || -> std::future::Ready<Result<Credential, ProviderError>> { panic!("{API_KEY}") };
    for cache in [
        CredentialCache::new(as_text),
        CredentialCache::new(as_string),
        CredentialCache::new(as_error),
        CredentialCache::new(early),
    ] {
        let error = cache.get().await.unwrap_err();
        assert_silent("an error", &crate::canary::error(&error));
        assert_silent("a cache", &debug(&cache));
        assert_silent("a status", &debug(&cache.status()));
        assert!(
            error.is_permanent() || error.to_string().contains("the provider panicked"),
            "{error}"
        );

        let channel = tower::service_fn(|_: Request<()>| async {
            Ok::<_, std::convert::Infallible>(Response::new(()))
        });
        let grpc = AuthLayer::from_cache(cache)
            .with_policy(Unrestricted)
            .grpc()
            .layer(channel);
        let response = grpc.oneshot(Request::new(())).await.unwrap();
        assert!(response.headers().contains_key("grpc-message"));
        assert_silent("a gRPC status", &debug(&response));
    }
}
