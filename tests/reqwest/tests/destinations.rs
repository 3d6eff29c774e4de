//! Redirects from the cloud to a foreign server, on real connections.

#[path = "../../support/server.rs"]
mod server;
mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use reqwest::{Body, redirect};
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_reqwest::{HttpClientLayer, HttpClientService};
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthError, AuthLayer, Credential};
use yandex_cloud_auth_reqwest_tests::client::client;

use server::{Server, read_request, with_length};
use support::*;

const SECRET: &str = "canary";

/// A server that is not trusted, and the requests that it received.
fn foreign() -> (Server, Arc<Mutex<Vec<String>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&requests);
    let server = Server::start(move |mut stream| {
        received.lock().unwrap().push(read_request(&mut stream));
        let response = with_length("200 OK", "connection: close\r\n", "");
        stream.write_all(response.as_bytes()).unwrap();
    });
    (server, requests)
}

fn reqwest_with(policy: redirect::Policy) -> HttpClientService<reqwest::Client> {
    let client = reqwest::Client::builder().redirect(policy).build().unwrap();
    HttpClientLayer.layer(client)
}

/// A layer that trusts the cloud only.
fn layer(cloud: &FakeCloud, credential: &Credential) -> AuthLayer<Loopback> {
    let origins = yandex_cloud_auth::TrustedOrigins::none().allow_insecure(cloud.workflows_url());
    let policy = yandex_cloud_auth::Policy::and(origins.unwrap(), yandex_cloud_auth::ExecutionOnly);
    AuthLayer::new(credential.clone()).with_policy(policy)
}

async fn status<S>(client: S, url: String) -> Result<u16, BoxError>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error: Into<BoxError>>,
{
    let response = client.oneshot(request(url)).await.map_err(Into::into)?;
    Ok(response.status().as_u16())
}

#[tokio::test]
async fn foreign_server_gets_no_credential() {
    let cloud = FakeCloud::start().await;
    let (foreign, requests) = foreign();
    let port = foreign.address.port();
    let url = cloud.workflows_url() + LIST;
    let credentials = [
        Credential::api_key(format!("AQVN{SECRET}")).unwrap(),
        Credential::iam_token(format!("t1.{SECRET}")).unwrap(),
    ];
    let mut hops = 0;
    for credential in &credentials {
        for target in [
            format!("http://127.0.0.1:{port}/workflows/v1/execution"),
            format!("http://localhost:{port}/workflows/v1/execution"),
            format!("http://user@127.0.0.1:{port}/"),
        ] {
            let auth = layer(&cloud, credential);
            let without = || reqwest_with(redirect::Policy::none());

            // The redirect goes to the caller.
            redirect_to(&cloud, &target);
            let outcome = status(client(auth.clone()).unwrap(), url.clone()).await;
            assert_eq!(outcome.unwrap(), 307, "{target}");

            // The layer judges the hop.
            redirect_to(&cloud, &target);
            let outside = FollowRedirectLayer::new().layer(auth.layer(without()));
            let error = status(outside, url.clone()).await.unwrap_err();
            let denied = matches!(error.downcast_ref(), Some(AuthError::Denied(_)));
            assert!(denied, "{target}: {error}");
            assert_eq!(foreign.connections(), hops, "{target}");

            // The layer does not see the hop, and the client below removes the credential.
            redirect_to(&cloud, &target);
            let inside = auth.layer(FollowRedirectLayer::new().layer(without()));
            assert_eq!(status(inside, url.clone()).await.unwrap(), 200, "{target}");
            redirect_to(&cloud, &target);
            let itself = auth.layer(reqwest_with(redirect::Policy::default()));
            assert_eq!(status(itself, url.clone()).await.unwrap(), 200, "{target}");
            hops += 2;
            assert_eq!(foreign.connections(), hops, "{target}");
        }
    }
    for request in requests.lock().unwrap().iter() {
        let lower = request.to_lowercase();
        assert!(!lower.contains(SECRET), "{request}");
        assert!(
            !lower.contains("bearer") && !lower.contains("api-key"),
            "{request}"
        );
    }
}
