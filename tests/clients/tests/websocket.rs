//! The handshake of tokio-tungstenite.

mod support;

use std::time::Duration;

use http::header::AUTHORIZATION;
use tokio::net::TcpListener;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use yandex_cloud_auth::{Credential, CredentialCache};
use yandex_cloud_auth_clients_tests::websocket::connect;

use support::*;

#[test]
fn page_has_recipe() {
    assert!(PAGE.contains(include_str!("../src/websocket.rs")));
}

fn cache(lifetime: Duration) -> CredentialCache {
    CredentialCache::new(
        Credential::iam_token("t1.abc")
            .unwrap()
            .with_lifetime(lifetime),
    )
}

#[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
fn check(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    assert_eq!(request.headers()[AUTHORIZATION], "Bearer t1.abc");
    Ok(response)
}

#[tokio::test]
async fn handshake_has_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/v1/stream", listener.local_addr().unwrap());
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        accept_hdr_async(stream, check).await.unwrap()
    };
    let cache = cache(Duration::from_secs(3600));
    let (_server, client) = tokio::join!(server, connect(&url, &cache));
    client.unwrap();
}

#[tokio::test]
async fn token_that_ends_early_connects_nowhere() {
    let error = connect("ws://127.0.0.1:1", &cache(Duration::from_secs(600)))
        .await
        .unwrap_err();
    assert!(error.is::<yandex_cloud_auth::ProviderError>(), "{error}");
}
