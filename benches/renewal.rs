//! The latency of requests during a renewal, and ten thousand callers at a cold start. See
//! `benches/README.md`.

#[path = "harness/mod.rs"]
mod harness;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service, ServiceExt};
use yandex_cloud_auth::{AuthLayer, Credential, CredentialProvider};

use harness::{Map, Target, client, is_bench, median, quantile, requests, token};

const CALLERS: usize = 10_000;

/// A provider whose fetch takes some time, and that knows whether one is running.
#[derive(Default)]
struct Slow {
    takes: Duration,
    max_age: Option<Duration>,
    busy: AtomicBool,
    fetches: AtomicUsize,
}

impl Slow {
    async fn fetch(self: Arc<Self>) -> Credential {
        let first = self.fetches.fetch_add(1, Ordering::Relaxed) == 0;
        let credential = Credential::iam_token(token(300))
            .expect("token68")
            .with_lifetime(Duration::from_secs(43_200));
        let credential = match self.max_age {
            Some(max_age) => credential.with_max_age(max_age),
            None => credential,
        };
        if !(first && self.max_age.is_some()) {
            self.busy.store(true, Ordering::Relaxed);
            tokio::time::sleep(self.takes).await;
            self.busy.store(false, Ordering::Relaxed);
        }
        credential
    }
}

fn provider(slow: &Arc<Slow>) -> impl CredentialProvider + use<> {
    let slow = Arc::clone(slow);
    move || {
        let fetch = Arc::clone(&slow).fetch();
        async { Ok(fetch.await) }
    }
}

fn main() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("a runtime");
    renewal(&runtime, if is_bench() { 60 } else { 1 });
    cold_start(if is_bench() { 7 } else { 1 });
}

/// Alternates windows with a fetch in flight and windows of another layer that fetches nothing.
fn renewal(runtime: &Runtime, rounds: usize) {
    let _entered = runtime.enter();
    let slow = Slow {
        takes: Duration::from_millis(500),
        max_age: Some(Duration::from_millis(200)),
        ..Slow::default()
    };
    let slow = Arc::new(slow);
    let mut renewed = AuthLayer::new(provider(&slow)).layer(client());
    let mut static_credential =
        AuthLayer::new(Credential::iam_token(token(300)).expect("token68")).layer(client());
    runtime.block_on(async {
        warm(&mut renewed).await;
        warm(&mut static_credential).await;
    });
    let (mut with, mut without) = (vec![], vec![]);
    for _ in 0..rounds {
        record(&mut with, &mut renewed, || {
            slow.busy.load(Ordering::Relaxed)
        });
        record(&mut without, &mut static_credential, || true);
    }
    println!(
        "µs per request, one thread sends, a fetch takes 500 ms; {} fetches\n",
        slow.fetches.load(Ordering::Relaxed)
    );
    println!(
        "| | requests | p50 | p99 | p99.9 | p99.99 | longest |\n|---|--:|--:|--:|--:|--:|--:|"
    );
    let with = row("while the credential is renewed", &with);
    let without = row("without renewal", &without);
    let cells: Vec<_> = with
        .iter()
        .zip(without)
        .map(|(with, without)| format!("{:+.2}", with - without))
        .collect();
    println!("| difference | | {} |\n", cells.join(" | "));
}

async fn warm<S: Service<http::Request<()>>>(service: &mut S) {
    for request in requests(Map::A, Target::Absolute, 3) {
        let response = async { service.ready().await?.call(request).await };
        assert!(response.await.is_ok(), "the service responds");
    }
}

/// Records the latencies of a tenth of a second: of those requests that `counts` accepts when they
/// start.
fn record<S: Service<http::Request<()>>>(
    latencies: &mut Vec<f64>,
    service: &mut S,
    counts: impl Fn() -> bool,
) {
    let end = Instant::now() + Duration::from_millis(100);
    let mut batch = vec![];
    while Instant::now() < end {
        if batch.is_empty() {
            batch = requests(Map::A, Target::Absolute, 256);
        }
        let request = batch.pop().expect("just filled");
        let start = Instant::now();
        let busy = counts();
        let response = futures_util::FutureExt::now_or_never(async {
            service.ready().await?.call(request).await
        });
        let nanos = start.elapsed().as_nanos() as f64;
        assert!(
            response.is_some_and(|result| result.is_ok()),
            "no request waits"
        );
        // The request during which the new credential is stored counts too.
        if busy {
            latencies.push(nanos / 1000.0);
        }
    }
}

fn row(name: &str, latencies: &[f64]) -> Vec<f64> {
    let quantiles: Vec<_> = [0.5, 0.99, 0.999, 0.9999, 1.0]
        .iter()
        .map(|at| quantile(latencies, *at))
        .collect();
    let cells: Vec<_> = quantiles
        .iter()
        .map(|value| format!("{value:.2}"))
        .collect();
    println!("| {name} | {} | {} |", latencies.len(), cells.join(" | "));
    quantiles
}

/// All callers wait before the first fetch completes.
fn cold_start(rounds: usize) {
    let takes = Duration::from_millis(100);
    let mut ratios = vec![];
    for _ in 0..rounds {
        let slow = Arc::new(Slow {
            takes,
            ..Slow::default()
        });
        let service = AuthLayer::new(provider(&slow)).layer(client());
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .expect("a runtime");
        let requests = requests(Map::A, Target::Absolute, CALLERS);
        let start = Instant::now();
        runtime.block_on(async {
            let callers: Vec<_> = requests
                .into_iter()
                .map(|request| tokio::spawn(service.clone().oneshot(request)))
                .collect();
            for caller in callers {
                assert!(
                    caller.await.expect("no caller panics").is_ok(),
                    "every caller is served"
                );
            }
        });
        ratios.push(start.elapsed().as_secs_f64() / takes.as_secs_f64());
        assert_eq!(
            slow.fetches.load(Ordering::Relaxed),
            1,
            "all callers share one fetch"
        );
    }
    println!(
        "{CALLERS} callers at a cold start, the fetch takes {takes:?}: one fetch; all callers complete within"
    );
    println!(
        "{:.2} x the fetch (median of {rounds} runs), at most {:.2} x",
        median(&ratios),
        quantile(&ratios, 1.0)
    );
}
