//! tonic over `GrpcAuth<Channel>`: the status of a request that the layer does not send.

use tonic::Code;
use tonic::Status;
use tower::Layer;
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host, ScriptedProvider};
use yandex_cloud_auth::{
    Credential, CredentialProvider, EnvCredential, ProviderError, ServiceAccountKey,
};

use crate::client::*;
use crate::server::Server;

/// The status of a unary call, which must not reach the server.
async fn own_error(provider: impl CredentialProvider) -> Status {
    let server = Server::start().await;
    let channel = layer(provider).grpc().layer(channel(server.url()));
    let status = EchoClient::new(channel).unary(String::new()).await;
    assert!(server.received().is_empty());
    status.unwrap_err()
}

fn marker(status: &Status) -> &str {
    let marker = status.metadata().get("yandex-cloud-auth").unwrap();
    marker.to_str().unwrap()
}

#[tokio::test]
async fn own_error_is_status_with_reason() {
    let denied = own_error(Credential::api_key("AQVN1").unwrap()).await;
    assert_eq!(
        (denied.code(), marker(&denied)),
        (Code::PermissionDenied, "denied")
    );
    assert!(denied.message().contains("/stacks.Echo/Unary"), "{denied}");
    assert!(denied.message().contains("allowed: "), "{denied}");

    for (error, code) in [
        (ProviderError::transient("a is down"), Code::Unavailable),
        (ProviderError::permanent("a is down"), Code::Unauthenticated),
        (
            ProviderError::not_configured("a is down"),
            Code::Unauthenticated,
        ),
    ] {
        let status = own_error(ScriptedProvider::new().fail(error)).await;
        assert_eq!((status.code(), marker(&status)), (code, "no-credential"));
        assert!(status.message().contains("a is down"), "{status}");
    }

    let unset = own_error(EnvCredential::with_lookup(|_| None)).await;
    assert_eq!(unset.code(), Code::Unauthenticated);
    assert!(unset.message().contains("YC_IAM_TOKEN"), "{unset}");
}

#[tokio::test]
async fn own_error_keeps_request_id_of_iam() {
    let cloud = FakeCloud::start().await;
    for (http_status, code) in [(403, Code::Unauthenticated), (503, Code::Unavailable)] {
        cloud.clear_audit();
        cloud.inject(Host::Iam, Fault::status(http_status));
        let account = ServiceAccountKey::from_json(cloud.service_account_key()).unwrap();
        let status = own_error(account.with_endpoint(cloud.iam_url())).await;
        cloud.heal(Host::Iam);
        assert_eq!(status.code(), code, "{status}");
        let id = &cloud.audit()[0].request_id;
        assert!(status.message().contains(id), "{id}: {status}");
    }
}

#[tokio::test]
async fn status_of_server_is_unchanged() {
    let server = Server::start().await;
    server.reject("Bearer t1.old");
    let channel = layer(two_tokens()).grpc().layer(channel(server.url()));
    let status = EchoClient::new(channel).unary(String::new()).await;
    let status = status.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.message(), "the token is expired");
    assert!(status.metadata().get("yandex-cloud-auth").is_none());
}
