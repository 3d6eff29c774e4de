//! What requests notice of a renewal, and how ten thousand of them start with nothing held. See
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

/// A provider that takes its time, and says while it does.
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

/// Windows with a fetch under way, in turn with windows of another layer whose credential stays.
fn renewal(runtime: &Runtime, rounds: usize) {
    let _entered = runtime.enter();
    let slow = Slow {
        takes: Duration::from_millis(500),
        max_age: Some(Duration::from_millis(200)),
        ..Slow::default()
    };
    let slow = Arc::new(slow);
    let mut renewed = AuthLayer::new(provider(&slow)).layer(client());
    let mut still =
        AuthLayer::new(Credential::iam_token(token(300)).expect("token68")).layer(client());
    runtime.block_on(async {
        warm(&mut renewed).await;
        warm(&mut still).await;
    });
    let (mut with, mut without) = (vec![], vec![]);
    for _ in 0..rounds {
        record(&mut with, &mut renewed, || {
            slow.busy.load(Ordering::Relaxed)
        });
        record(&mut without, &mut still, || true);
    }
    println!(
        "µs a request, one thread sends, a fetch takes 500 ms; {} fetches were made\n",
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
        let answer = async { service.ready().await?.call(request).await };
        assert!(answer.await.is_ok(), "the service answers");
    }
}

/// The latencies of a tenth of a second, of those requests for which `counts` holds before and
/// after.
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
        let answer = futures_util::FutureExt::now_or_never(async {
            service.ready().await?.call(request).await
        });
        let nanos = start.elapsed().as_nanos() as f64;
        assert!(
            answer.is_some_and(|result| result.is_ok()),
            "no request waits"
        );
        // The one during which the new credential lands counts too.
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

/// All callers are there before the first fetch is.
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
        assert_eq!(slow.fetches.load(Ordering::Relaxed), 1, "one fetch for all");
    }
    println!(
        "{CALLERS} callers at cold start, the fetch takes {takes:?}: one fetch; all are done within"
    );
    println!(
        "{:.2} x the fetch (median of {rounds} runs), {:.2} x at the most",
        median(&ratios),
        quantile(&ratios, 1.0)
    );
}
