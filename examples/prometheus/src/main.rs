//! Serves the metrics of a cache and a layer to Prometheus, against a fake Yandex Cloud on loopback.
//!
//!     cargo run --manifest-path examples/prometheus/Cargo.toml
//!     cargo run --manifest-path examples/prometheus/Cargo.toml -- 127.0.0.1:9464
//!
//! Without an argument it scrapes itself once, prints what it gets, and ends. With an address it
//! serves `http://ADDRESS/metrics` until it is stopped, and sends a request each second.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tower::{BoxError, Layer, ServiceExt};
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host};
use yandex_cloud_auth::{AuthLayer, HttpsTransport, MetadataService, TrustedOrigins};

/// A fetch takes some milliseconds, and at most 30 s.
const SECONDS: [f64; 9] = [0.005, 0.02, 0.1, 0.25, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The policy of the example: the fake cloud on loopback, and no other host.
type Auth = AuthLayer<TrustedOrigins>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listen = std::env::args().nth(1);
    let metrics = install_exporter()?;
    let address = serve(listen.as_deref().unwrap_or("127.0.0.1:0"), metrics).await?;
    println!("serving http://{address}/metrics\n");

    let cloud = FakeCloud::start().await;
    let provider = MetadataService::new().with_endpoint(cloud.metadata_url());
    let policy = TrustedOrigins::none().allow_loopback();
    let auth = AuthLayer::new(provider).with_policy(policy);
    use_cloud(&cloud, &auth).await?;
    if listen.is_none() {
        print!("{}", scrape(address).await?);
        return Ok(());
    }
    loop {
        sleep(Duration::from_secs(1)).await;
        send(&auth, &list(&cloud)).await?;
    }
}

/// Names as Prometheus recommends: dots become underscores, with the unit and `_total` at the end.
fn install_exporter() -> Result<PrometheusHandle, BoxError> {
    let duration = Matcher::Full("yandex_cloud_auth_fetch_duration".to_owned());
    Ok(PrometheusBuilder::new()
        .with_recommended_naming(true)
        .set_buckets_for_metric(duration, &SECONDS)?
        .install_recorder()?)
}

/// Serves the metrics, and returns the address.
async fn serve(address: &str, metrics: PrometheusHandle) -> Result<SocketAddr, BoxError> {
    let upkeep = metrics.clone();
    tokio::spawn(async move {
        loop {
            sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    let app = Router::new().route("/metrics", get(|| async move { metrics.render() }));
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(address)
}

/// One of each: a failed fetch, a fetch, a request, a rejection, and a request that is denied.
async fn use_cloud(cloud: &FakeCloud, auth: &Auth) -> Result<(), BoxError> {
    cloud.inject(Host::Metadata, Fault::status(503).times(1));
    let failed = auth.cache().refresh().await;
    assert!(failed.is_err(), "the fake fails once");
    auth.cache().refresh().await?;

    assert_eq!(send(auth, &list(cloud)).await?, StatusCode::OK);
    cloud.revoke_all();
    assert_eq!(send(auth, &list(cloud)).await?, StatusCode::UNAUTHORIZED);
    assert!(send(auth, "https://example.com/").await.is_err());
    Ok(())
}

fn list(cloud: &FakeCloud) -> String {
    cloud.workflows_url() + "/workflows/v1/execution?workflowId=dfqexampleworkflow00"
}

async fn send(auth: &Auth, url: &str) -> Result<StatusCode, BoxError> {
    let request = Request::get(url).body(Full::default())?;
    let response = auth.layer(HttpsTransport::new()).oneshot(request).await?;
    Ok(response.status())
}

async fn scrape(address: SocketAddr) -> Result<String, BoxError> {
    let request = Request::get(format!("http://{address}/metrics")).body(Full::default())?;
    let response = HttpsTransport::new().oneshot(request).await?;
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec())?)
}
