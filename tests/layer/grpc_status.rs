//! An error of the layer under `grpc()`: what a client sees, and how it differs from a server's.

use http::HeaderMap;
use tonic::{Code, Status};
use tower::{Layer, Service};
use yandex_cloud_auth::testing::ScriptedProvider;
use yandex_cloud_auth::{AuthLayer, Credential, Decision, Denial, ProviderError, RequestHead};

use crate::support::*;

const METADATA: &str = "yandex-cloud-auth";

async fn own_error<P: yandex_cloud_auth::Policy + Clone>(
    layer: AuthLayer<P>,
    path: &str,
) -> HeaderMap {
    let mut service = layer.grpc().layer(tower::service_fn(echo));
    let response = service.call(request(path)).await.unwrap();
    response.headers().clone()
}

fn failing(error: ProviderError) -> AuthLayer {
    AuthLayer::new(ScriptedProvider::new().fail(error))
}

#[tokio::test]
async fn status_keeps_metadata() {
    for (layer, path, code, value) in [
        (
            AuthLayer::new(key()),
            CREATE,
            Code::PermissionDenied,
            "denied",
        ),
        (
            failing(ProviderError::transient("down")),
            START,
            Code::Unavailable,
            "no-credential",
        ),
        (
            failing(ProviderError::permanent("revoked")),
            START,
            Code::Unauthenticated,
            "no-credential",
        ),
        (
            failing(ProviderError::not_configured("nothing")),
            START,
            Code::Unauthenticated,
            "no-credential",
        ),
    ] {
        let status = Status::from_header_map(&own_error(layer, path).await).unwrap();
        assert_eq!(status.code(), code);
        assert_eq!(status.metadata().get(METADATA).unwrap(), value);
    }
}

#[tokio::test]
async fn server_status_has_no_metadata() {
    let server = tower::service_fn(|_: http::Request<String>| async {
        let response = http::Response::builder()
            .header("content-type", "application/grpc")
            .header("grpc-status", "7");
        Ok::<_, std::convert::Infallible>(response.body(String::new()).unwrap())
    });
    let mut service = AuthLayer::new(key()).grpc().layer(server);
    let response = service.call(request(START)).await.unwrap();
    assert!(!response.headers().contains_key(METADATA));
}

#[tokio::test]
async fn long_message_is_cut_to_a_kibibyte() {
    for (rule, len) in [("é".repeat(2000), 1020), ("a".repeat(2000), 1024)] {
        let policy = {
            let rule = rule.clone();
            move |head: &RequestHead<'_>, _: &Credential| {
                Decision::Deny(Denial::new(rule.clone(), head))
            }
        };
        let headers = own_error(AuthLayer::new(key()).with_policy(policy), START).await;
        assert_eq!(headers["grpc-message"].len(), len);
        let status = Status::from_header_map(&headers).unwrap();
        assert!(rule.starts_with(status.message()), "{}", status.message());
    }
}
