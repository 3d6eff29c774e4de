//! The service: its routes, and how it starts and stops.

mod executions;
mod health;
mod problem;
mod upstream;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use http::header::CONTENT_SECURITY_POLICY;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use yandex_cloud_auth::{AuthLayer, CredentialCache, Policy};

use problem::Problem;
use upstream::Client;

/// The longest request body, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// What every route shares. Clones share one client and one cache.
#[derive(Clone)]
pub(crate) struct Gateway {
    cache: CredentialCache,
    client: Client,
    draining: Arc<AtomicBool>,
    url: Arc<str>,
}

impl Gateway {
    /// A gateway to the Workflows API at `url`. Each request to it may take `timeout`.
    pub(crate) fn new<P>(auth: AuthLayer<P>, url: &str, timeout: Duration) -> Self
    where
        P: Policy + Clone + Send + Sync + 'static,
    {
        Self {
            cache: auth.cache().clone(),
            client: upstream::client(auth, timeout),
            draining: Arc::default(),
            url: url.trim_end_matches('/').into(),
        }
    }
}

/// How the service stops.
#[derive(Clone, Copy)]
pub(crate) struct Shutdown {
    /// How long connections are still accepted while `/readyz` already returns 503, so that a load
    /// balancer sees it: longer than the period of its probe.
    pub(crate) grace: Duration,
    /// How long open requests have after that.
    pub(crate) limit: Duration,
}

/// Serves until `stop` completes, then lets open requests finish.
pub(crate) async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    stop: impl Future<Output = ()> + Send + 'static,
    shutdown: Shutdown,
) -> io::Result<()> {
    let draining = Arc::clone(&gateway.draining);
    let (refuse, refusing) = oneshot::channel::<()>();
    let server = axum::serve(listener, routes(gateway)).with_graceful_shutdown(async move {
        stop.await;
        draining.store(true, Ordering::Relaxed);
        tokio::time::sleep(shutdown.grace).await;
        drop(refuse);
    });
    let limit = async {
        let _dropped = refusing.await;
        tokio::time::sleep(shutdown.limit).await;
    };
    tokio::select! {
        result = server.into_future() => result,
        () = limit => Ok(()),
    }
}

fn routes(gateway: Gateway) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .merge(executions::routes())
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(gateway)
}

async fn page() -> impl IntoResponse {
    let policy = "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; \
                  style-src 'unsafe-inline'; frame-ancestors 'none'";
    (
        [(CONTENT_SECURITY_POLICY, policy)],
        Html(include_str!("page.html")),
    )
}
