//! What a process keeps: bytes on the heap, and tasks. See `benches/README.md`.

#[path = "harness/mod.rs"]
mod harness;

use std::alloc::System;
use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::net::TcpListener;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::Full;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::runtime::{Builder, Handle};
use tokio::task::spawn_blocking;
use tower::{Layer, Service, ServiceExt};
use yandex_cloud_auth::{AuthLayer, Credential, HttpsTransport, ProviderError};

use harness::{Map, Target, requests, token};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Values of a kind, whose mean is printed.
const COUNT: usize = 500;

/// A client without memory of its own. It drops the request and responds at once.
#[derive(Clone)]
struct Client;

impl Service<Request<()>> for Client {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(())))
    }
}

fn main() {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!("bytes, means of {COUNT}; the token has 300 characters\n");
    println!("| | the value | on the heap |");
    println!("|---|--:|--:|");
    runtime.block_on(async {
        values().await;
        waiting_requests().await;
        transports().await;
    });
}

async fn values() {
    let token = token(300);
    let bearer = || Credential::iam_token(&token).expect("token68");
    row("credential", COUNT, async || bearer()).await;
    let credential = bearer();
    row("clone of a credential", COUNT, async || credential.clone()).await;
    row("layer with its cache", COUNT, async || layer()).await;
    let layer = layer();
    row("clone of a layer", COUNT, async || layer.clone()).await;
    row("service", COUNT, async || layer.layer(Client)).await;
    row("service that has sent requests", COUNT, async || {
        let mut service = layer.layer(Client);
        send(&mut service).await;
        service
    })
    .await;
    fetched_layers().await;
}

/// Each cache has one task, which renews the credential.
async fn fetched_layers() {
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let name = "layer after its first fetch, with the credential and the task that renews it";
    let layers = row(name, COUNT, async || {
        let layer = layer();
        layer.cache().get().await.expect("a credential");
        layer
    })
    .await;
    assert_eq!(tasks() - before, COUNT, "a task for each cache");
    drop(layers);
}

/// Its credential has the lifetime of a token, so it is renewed.
fn layer() -> AuthLayer {
    AuthLayer::new(|| {
        let credential = Credential::iam_token(token(300)).expect("token68");
        ready(Ok::<_, ProviderError>(
            credential.with_lifetime(Duration::from_secs(43_200)),
        ))
    })
}

/// Enough requests that the service makes its own copy of the header.
async fn send(service: &mut impl Service<Request<()>>) {
    for request in requests(Map::C, Target::Absolute, 3) {
        let response = async { service.ready().await?.call(request).await };
        assert!(response.await.is_ok(), "the service responds");
    }
}

async fn waiting_requests() {
    let layer = AuthLayer::new(pending::<Result<Credential, ProviderError>>);
    let mut service = layer.layer(Client);
    let mut requests = requests(Map::C, Target::Absolute, COUNT + 1);
    let mut wait = || {
        let request = requests.pop().expect("enough requests");
        let mut response = Box::pin(service.call(request));
        assert!((&mut response).now_or_never().is_none(), "no credential");
        response
    };
    let first = wait();
    let name = "request that waits for a fetch, with its four headers";
    row(name, COUNT, async || wait()).await;
    drop(first);
}

/// The connections are refused, after the transport has made its TLS client.
async fn transports() {
    let unused = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("https://{}", unused.local_addr().expect("an address"));
    drop(unused);
    let used = async || {
        let transport = HttpsTransport::new();
        let request = Request::get(&url).body(Full::default()).expect("a request");
        let response = transport.clone().oneshot(request).await;
        assert!(response.is_err(), "nothing listens");
        transport
    };
    // The thread that reads the roots.
    spawn_blocking(|| ()).await.expect("no panic");
    let first = row(
        "first transport after a request over TLS, with the roots",
        1,
        used,
    )
    .await;
    row("another transport after a request over TLS", COUNT, used).await;
    drop(first);
}

/// Prints the mean size of some values, and what their making leaves on the heap.
async fn row<T>(name: &str, count: usize, mut make: impl AsyncFnMut() -> T) -> Vec<T> {
    let mut values = Vec::with_capacity(count);
    let region = Region::new(ALLOCATOR);
    for _ in 0..count {
        values.push(make().await);
    }
    let change = region.change();
    let kept = change.bytes_allocated as f64 - change.bytes_deallocated as f64;
    println!(
        "| {name} | {} | {:.0} |",
        size_of::<T>(),
        kept / count as f64
    );
    values
}
