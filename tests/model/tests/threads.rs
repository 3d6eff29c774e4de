//! The cache, used by many threads at once. `.ci/sanitizers` runs this under the sanitizers.
//!
//! ThreadSanitizer does not see the synchronization inside of the standard library. So this has no
//! test harness, and its threads wait for each other by atomics and by joining alone.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::header::AUTHORIZATION;
use http::{Request, Response};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service};
use yandex_cloud_auth::{
    AuthLayer, Clock, Credential, CredentialCache, CredentialProvider, ProviderError,
};

const THREADS: usize = 4;
const ROUNDS: usize = 300;

/// A clock that other threads advance.
#[derive(Clone)]
struct Clocks {
    start: Instant,
    seconds: Arc<AtomicU64>,
}

impl Clocks {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            seconds: Arc::default(),
        }
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }

    fn advance(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Clocks {
    fn wall(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.elapsed()
    }

    fn monotonic(&self) -> Instant {
        self.start + self.elapsed()
    }
}

/// Fetch `n`, counted from 1, returns `t1.n` when it is polled again. One of eight fails.
#[derive(Clone, Default)]
struct Source(Arc<Counts>);

#[derive(Default)]
struct Counts {
    fetches: AtomicUsize,
    active: AtomicUsize,
}

/// A fetch that is being polled. There is never a second one.
struct Active<'a>(&'a Counts);

impl<'a> Active<'a> {
    fn start(counts: &'a Counts) -> Self {
        let others = counts.active.fetch_add(1, Ordering::SeqCst);
        assert_eq!(others, 0, "a second fetch in flight");
        Self(counts)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::SeqCst);
    }
}

impl CredentialProvider for Source {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let number = self.0.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        let active = Active::start(&self.0);
        yield_now().await;
        drop(active);
        if number.is_multiple_of(8) {
            return Err(ProviderError::transient("one of eight"));
        }
        let token = Credential::iam_token(format!("t1.{number}"))?;
        Ok(token.with_lifetime(Duration::from_secs(600)))
    }
}

async fn yield_now() {
    let mut is_polled = false;
    std::future::poll_fn(|cx| {
        if is_polled {
            return Poll::Ready(());
        }
        is_polled = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Answers with the credential. Each seventh request is rejected.
#[derive(Clone, Default)]
struct Server(Arc<AtomicUsize>);

impl Service<Request<()>> for Server {
    type Response = Response<usize>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<usize>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        let number = number(request.headers()[AUTHORIZATION].to_str().unwrap());
        let status = if count.is_multiple_of(7) { 401 } else { 200 };
        let response = Response::builder().status(status).body(number);
        Box::pin(std::future::ready(Ok(response.unwrap())))
    }
}

fn number(value: &str) -> usize {
    value.strip_prefix("Bearer t1.").unwrap().parse().unwrap()
}

fn cache(source: &Source, clocks: &Clocks) -> CredentialCache {
    let builder = CredentialCache::builder(source.clone());
    builder.clock(clocks.clone()).build()
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_time().build().unwrap()
}

/// Blocks the thread until the future completes.
fn block_on<F: Future>(future: F) -> F::Output {
    let is_woken = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&is_woken));
    let mut future = pin!(future);
    loop {
        if !is_woken.0.swap(false, Ordering::AcqRel) {
            thread::yield_now();
        } else if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// Uses the cache in every way that does not wait, and cancels a call.
fn use_without_waiting(cache: &CredentialCache) {
    let _ = cache.status();
    if let Some(credential) = cache.peek() {
        cache.invalidate(&credential);
    }
    let _ = pin!(cache.get()).poll(&mut Context::from_waker(Waker::noop()));
}

/// Numbers never fall: no thread gets an older credential after a newer one.
struct Rising(usize);

impl Rising {
    fn check(&mut self, number: usize) {
        assert!(number >= self.0, "t1.{number} after t1.{}", self.0);
        self.0 = number;
    }
}

async fn send_requests(layer: AuthLayer, clocks: Clocks) {
    let mut service = layer.layer(Server::default());
    let mut last = Rising(0);
    for _ in 0..ROUNDS {
        let request = Request::get("/workflows/v1/execution").body(()).unwrap();
        if let Ok(response) = service.call(request).await {
            last.check(*response.body());
        }
        clocks.advance(3);
        tokio::task::yield_now().await;
    }
}

async fn call(cache: CredentialCache) {
    let mut last = Rising(0);
    for round in 0..ROUNDS {
        let result = match round % 8 {
            0 => cache.refresh().await,
            1 => cache.get_valid_for(Duration::from_secs(300)).await,
            _ => cache.get().await,
        };
        if let Ok(credential) = result {
            last.check(number(credential.header_value().to_str().unwrap()));
        }
        use_without_waiting(&cache);
        tokio::task::yield_now().await;
    }
}

fn tasks_share_cache_through_layers() {
    let (source, clocks) = (Source::default(), Clocks::new());
    let cache = cache(&source, &clocks);
    let layer = AuthLayer::from_cache(cache.clone());
    let runtime = runtime();
    let tasks: Vec<_> = (0..THREADS)
        .flat_map(|_| {
            let sending = runtime.spawn(send_requests(layer.clone(), clocks.clone()));
            [sending, runtime.spawn(call(cache.clone()))]
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
}

fn threads_without_runtime_share_fetches() {
    let (source, clocks) = (Source::default(), Clocks::new());
    let cache = cache(&source, &clocks);
    let threads = [(); THREADS].map(|()| {
        let (cache, clocks) = (cache.clone(), clocks.clone());
        thread::spawn(move || {
            let mut last = Rising(0);
            for _ in 0..ROUNDS {
                if let Ok(credential) = block_on(cache.get()) {
                    last.check(number(credential.header_value().to_str().unwrap()));
                }
                use_without_waiting(&cache);
                clocks.advance(3);
            }
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
}

fn waiters_outlive_runtimes() {
    let (source, clocks) = (Source::default(), Clocks::new());
    let cache = cache(&source, &clocks);
    let is_over = Arc::new(AtomicBool::new(false));
    let threads = [(); THREADS].map(|()| {
        let (cache, clocks, is_over) = (cache.clone(), clocks.clone(), is_over.clone());
        thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let _ = block_on(cache.get());
                clocks.advance(60);
            }
        })
    });
    for _ in 0..ROUNDS / 10 {
        let runtime = runtime();
        for _ in 0..THREADS {
            let cache = cache.clone();
            runtime.spawn(async move { cache.refresh().await });
        }
        let _ = runtime.block_on(cache.get());
        runtime.shutdown_background();
    }
    is_over.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
}

fn last_handle_ends_everything() {
    let runtime = runtime();
    for _ in 0..ROUNDS / 10 {
        let (source, clocks) = (Source::default(), Clocks::new());
        let counts = Arc::downgrade(&source.0);
        let cache = cache(&source, &clocks);
        drop(source);
        let callers = [(); THREADS].map(|()| {
            let (cache, handle) = (cache.clone(), runtime.handle().clone());
            thread::spawn(move || {
                let _entered = handle.enter();
                let _ = pin!(cache.get()).poll(&mut Context::from_waker(Waker::noop()));
            })
        });
        drop(cache);
        for caller in callers {
            caller.join().unwrap();
        }
        while Weak::strong_count(&counts) > 0 {
            thread::yield_now();
        }
    }
}

fn main() {
    let scenarios: [(&str, fn()); 4] = [
        (
            "tasks_share_cache_through_layers",
            tasks_share_cache_through_layers,
        ),
        (
            "threads_without_runtime_share_fetches",
            threads_without_runtime_share_fetches,
        ),
        ("waiters_outlive_runtimes", waiters_outlive_runtimes),
        ("last_handle_ends_everything", last_handle_ends_everything),
    ];
    for (name, scenario) in scenarios {
        scenario();
        println!("{name} ... ok");
    }
}
