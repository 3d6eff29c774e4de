//! A web service that starts and watches executions of workflows for browsers that have no
//! credential.
//!
//! Against a fake Yandex Cloud on loopback:
//!
//!     cargo run --example gateway --features testing,retry
//!
//! Against the real cloud, with the first identity of `default_chain`:
//!
//!     WORKFLOWS_URL=https://serverless-workflows.api.cloud.yandex.net \
//!         YC_SERVICE_ACCOUNT_KEY_FILE=key.json \
//!         cargo run --example gateway --features testing,retry
//!
//! Then open the printed address. `LISTEN` is another address to listen on, and `GRACE_SECONDS` is
//! how long requests are accepted after a signal to stop. The gateway does not authenticate its
//! callers: put it behind something that does, or leave it on loopback.

mod service;

use std::env;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{
    AuthLayer, ExecutionOnly, Policy, ServiceAccountKey, TrustedOrigins, default_chain,
};

use service::{Gateway, Shutdown};

/// Covers the wait for a token, both attempts of a request, and the response body.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time that open requests have after the last one was accepted.
const DRAIN: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    if let Ok(url) = env::var("WORKFLOWS_URL") {
        return run(AuthLayer::new(default_chain()), &url).await;
    }
    let cloud = FakeCloud::start().await;
    println!("a fake Yandex Cloud, since WORKFLOWS_URL is not set");
    let key =
        ServiceAccountKey::from_json(cloud.service_account_key())?.with_endpoint(cloud.iam_url());
    let loopback = TrustedOrigins::none().allow_loopback().and(ExecutionOnly);
    run(
        AuthLayer::new(key).with_policy(loopback),
        &cloud.workflows_url(),
    )
    .await
}

async fn run<P>(auth: AuthLayer<P>, url: &str) -> Result<(), BoxError>
where
    P: Policy + Clone + Send + Sync + 'static,
{
    // Warm up. A wrong key or an unreachable IAM ends the program here, and the error says why.
    let credential = auth.cache().get().await?;
    println!(
        "authenticated with {} {}",
        credential.scheme(),
        credential.fingerprint()
    );

    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("listening on http://{}", listener.local_addr()?);

    let grace = env::var("GRACE_SECONDS").map_or(Ok(0), |seconds| seconds.parse())?;
    let shutdown = Shutdown {
        grace: Duration::from_secs(grace),
        limit: DRAIN,
    };
    service::serve(
        listener,
        Gateway::new(auth, url, TIMEOUT),
        stop_signal()?,
        shutdown,
    )
    .await?;
    println!("stopped");
    Ok(())
}

/// Completes at SIGINT (ctrl-c) and at SIGTERM, which container platforms send.
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
