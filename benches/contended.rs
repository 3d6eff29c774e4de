//! One layer on one and on two threads while its credential is replaced every millisecond, and a
//! clone of the service for each request. See `benches/README.md`.

#[path = "warm_path/cases.rs"]
#[allow(dead_code, reason = "only the services are used here")]
mod cases;
#[path = "harness/mod.rs"]
mod harness;

use std::future::ready;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use http::Request;
use tower::{Layer, Service};
use tower_http::auth::AddAuthorizationLayer;
use yandex_cloud_auth::{AuthLayer, Credential, CredentialCache};

use cases::Insert;
use harness::{
    BATCH, Map, Requests, Target, client, is_bench, measured, median, nanos_each, request, token,
};

const WINDOW: Duration = Duration::from_millis(10);

/// A window counts if no thread waited longer than this for a processor, in nanoseconds.
const MAX_WAIT: u64 = 100_000;

/// What a thread does with a batch of requests. It is created on that thread.
type Work = Box<dyn FnMut(&mut Requests)>;

struct Case {
    name: &'static str,
    work: Box<dyn Fn() -> Work + Sync>,
}

/// One window: calls per second of all threads together, and nanoseconds per call without building
/// the requests.
struct Window {
    rate: f64,
    nanos: f64,
}

fn main() {
    let cache = CredentialCache::new(NewTokens::default().provider());
    let cases = cases(AuthLayer::from_cache(cache.clone()));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| replace(&cache, &stop));
        report(&cases, if is_bench() { 150 } else { 1 });
        stop.store(true, Ordering::Relaxed);
    });
    println!(
        "\ncredentials replaced meanwhile: {}",
        cache.status().generation()
    );
}

/// A provider that returns another token at each fetch.
#[derive(Default)]
struct NewTokens(AtomicUsize);

impl NewTokens {
    fn provider(self) -> impl yandex_cloud_auth::CredentialProvider {
        move || {
            let token = token(300 + self.0.fetch_add(1, Ordering::Relaxed) % 2);
            ready(Ok(Credential::iam_token(token)
                .expect("token68")
                .with_lifetime(Duration::from_secs(43_200))))
        }
    }
}

fn replace(cache: &CredentialCache, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        assert!(
            cache
                .refresh()
                .now_or_never()
                .is_some_and(|result| result.is_ok()),
            "the provider returns at once"
        );
        thread::sleep(Duration::from_millis(1));
    }
}

fn cases(layer: AuthLayer) -> Vec<Case> {
    let value = Credential::iam_token(token(300))
        .expect("token68")
        .header_value()
        .clone();
    let insert = Insert {
        inner: client(),
        value,
    };
    let tower_http = AddAuthorizationLayer::bearer(&token(300))
        .as_sensitive(true)
        .layer(client());
    let auth = layer.layer(client());
    vec![
        one("bare service", client()),
        one("insert of a ready value", insert.clone()),
        one("tower-http AddAuthorization", tower_http.clone()),
        one("Workflows (default), Bearer", auth.clone()),
        clones("insert, a clone for each request", insert),
        clones("tower-http, a clone for each request", tower_http),
        clones("Workflows (default), a clone for each request", auth),
    ]
}

fn one<S>(name: &'static str, service: S) -> Case
where
    S: Service<Request<()>, Response = http::Response<()>> + Clone + Sync + 'static,
{
    let work = move || -> Work {
        let mut service = service.clone();
        Box::new(move |requests| measured(&mut service, requests))
    };
    Case {
        name,
        work: Box::new(work),
    }
}

fn clones<S>(name: &'static str, service: S) -> Case
where
    S: Service<Request<()>, Response = http::Response<()>> + Clone + Sync + 'static,
{
    let work = move || -> Work {
        let service = service.clone();
        Box::new(move |requests| call_on_clones(&service, requests))
    };
    Case {
        name,
        work: Box::new(work),
    }
}

#[inline(never)]
fn call_on_clones<S>(service: &S, requests: &mut Requests)
where
    S: Service<Request<()>, Response = http::Response<()>> + Clone,
{
    let mut cx = Context::from_waker(Waker::noop());
    for request in requests.drain(..) {
        let mut service = service.clone();
        assert!(
            service.poll_ready(&mut cx).is_ready(),
            "the service is ready"
        );
        let polled = pin!(service.call(request)).poll(&mut cx);
        assert!(
            black_box(&polled).is_ready(),
            "the service responds at once"
        );
    }
}

fn report(cases: &[Case], rounds: usize) {
    let mut windows: Vec<[Vec<Window>; 2]> = cases.iter().map(|_| [vec![], vec![]]).collect();
    for round in 0..rounds {
        for case in harness::order(round, cases.len()) {
            for threads in [1, 2] {
                windows[case][threads - 1].extend(window(&cases[case], threads));
            }
        }
    }
    println!(
        "medians of up to {rounds} windows of {WINDOW:?} in which every thread had its own processor\n"
    );
    println!(
        "| case | ns/call, 1 thread | 2 threads | M calls/s, 1 thread | 2 threads | scale | windows |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let mut rates = vec![];
    for (case, [alone, both]) in cases.iter().zip(&windows) {
        let of = |windows: &[Window], what: fn(&Window) -> f64| {
            median(&windows.iter().map(what).collect::<Vec<_>>())
        };
        let (nanos, nanos2) = (of(alone, |one| one.nanos), of(both, |one| one.nanos));
        let (rate, rate2) = (
            of(alone, |one| one.rate) / 1e6,
            of(both, |one| one.rate) / 1e6,
        );
        let (counted, scale) = (both.len(), rate2 / rate);
        println!(
            "| {} | {nanos:.1} | {nanos2:.1} | {rate:.2} | {rate2:.2} | {scale:.2} | {counted} |",
            case.name
        );
        rates.push((nanos, nanos2, rate2));
    }
    println!(
        "\n| ratio | 1 thread, ns/call | 2 threads, ns/call | 2 threads, calls/s |\n|---|--:|--:|--:|"
    );
    for (name, ours, theirs) in [
        ("Workflows to tower-http", 3, 2),
        ("Workflows to insert, clones", 6, 4),
        ("Workflows to tower-http, clones", 6, 5),
    ] {
        let (ours, theirs) = (rates[ours], rates[theirs]);
        let (alone, both, rate) = (ours.0 / theirs.0, ours.1 / theirs.1, ours.2 / theirs.2);
        println!("| {name} | {alone:.2} | {both:.2} | {rate:.2} |");
    }
}

/// `None` if a thread had to wait for a processor: the window measured the scheduler then.
fn window(case: &Case, threads: usize) -> Option<Window> {
    let start = Barrier::new(threads);
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| run(case, &start)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no thread panics"))
            .collect()
    });
    let waited = results.iter().map(|result| result.2).max()?;
    let rate = results.iter().map(|result| result.0).sum();
    let nanos = results.iter().map(|result| result.1).sum::<f64>() / threads as f64;
    (waited < MAX_WAIT || !is_bench()).then_some(Window { rate, nanos })
}

/// Calls per second, nanoseconds per call, and how long this thread waited for a processor.
fn run(case: &Case, start: &Barrier) -> (f64, f64, u64) {
    // Created on this thread, so that no other thread touches its reference counts.
    let template = request(Map::A, Target::Absolute);
    let mut work = (case.work)();
    let mut requests = Vec::with_capacity(BATCH);
    start.wait();
    let (began, waited) = (Instant::now(), waited());
    let mut timed = vec![];
    while began.elapsed() < WINDOW {
        requests.extend((0..BATCH).map(|_| template.clone()));
        let start = Instant::now();
        work(&mut requests);
        timed.push(nanos_each(start, BATCH));
    }
    let calls = timed.len() * BATCH;
    (
        calls as f64 / began.elapsed().as_secs_f64(),
        median(&timed),
        self::waited() - waited,
    )
}

/// The nanoseconds that this thread has waited for a processor. Zero except on Linux.
fn waited() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ')
        .nth(1)
        .and_then(|field| field.parse().ok())
        .unwrap_or_default()
}
