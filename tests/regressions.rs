//! Faults that a hostile reading of the cache found, each by the sentence that must hold.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt;
use http::{Request, Response};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service};
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{
    AuthLayer, Credential, CredentialCache, CredentialProvider, ProviderError,
};

const HOUR: Duration = Duration::from_secs(3600);

const fn s(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn endless(text: &str) -> Credential {
    Credential::iam_token(text).unwrap()
}

fn token(text: &str) -> Credential {
    endless(text).with_lifetime(HOUR)
}

fn secret(credential: &Credential) -> &str {
    credential.expose_secret()
}

fn cache(provider: impl CredentialProvider, clock: &ManualClock) -> CredentialCache {
    CredentialCache::builder(provider)
        .clock(clock.clone())
        .build()
}

fn paused() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

fn running() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs a future that is ready after a few polls, outside any runtime.
fn outside<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..100_000 {
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            return output;
        }
        std::thread::yield_now();
    }
    panic!("the future is still pending");
}

/// Lets both clocks and the runtime's time go on.
async fn pass(clock: &ManualClock, seconds: u64) {
    for _ in 0..seconds {
        clock.advance(s(1));
        tokio::time::sleep(s(1)).await;
    }
}

type Echo =
    fn(Request<()>) -> std::future::Ready<Result<Response<String>, std::convert::Infallible>>;

fn echo() -> tower::util::ServiceFn<Echo> {
    tower::service_fn(|request: Request<()>| {
        let value = request.headers()["authorization"].to_str().unwrap();
        std::future::ready(Ok(Response::new(value.to_owned())))
    })
}

fn request() -> Request<()> {
    Request::get("https://api.cloud.yandex.net/x")
        .body(())
        .unwrap()
}

/// Does something at the event of this message.
struct At<F>(&'static str, F);

impl<F: Fn() + Send + Sync + 'static> tracing::Subscriber for At<F> {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Message(String);
        impl tracing::field::Visit for Message {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        if message.0 == self.0 {
            self.1();
        }
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn panicking_subscriber_delays_no_waiter() {
    let cache = CredentialCache::new(ScriptedProvider::new().answer(token("t1.a")));
    let panics = At("credential fetched", || panic!("subscriber"));
    let _subscribed = tracing::subscriber::set_default(panics);
    paused().block_on(async {
        let start = tokio::time::Instant::now();
        assert_eq!(secret(&cache.get().await.unwrap()), "t1.a");
        assert!(start.elapsed() < s(1), "waited {:?}", start.elapsed());
    });
}

struct PanickingWaker;

impl Wake for PanickingWaker {
    fn wake(self: Arc<Self>) {
        panic!("waker");
    }
}

#[test]
fn panicking_waker_delays_no_other_waiter() {
    let cache = CredentialCache::builder(ScriptedProvider::new().answer(token("t1.a")))
        .fetch_timeout(Duration::MAX)
        .build();
    paused().block_on(async {
        let mut first = pin!(cache.get());
        let waker = Waker::from(Arc::new(PanickingWaker));
        assert!(
            first
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        let start = tokio::time::Instant::now();
        let second = tokio::time::timeout(HOUR, cache.get()).await;
        assert!(second.is_ok_and(|second| second.is_ok()));
        // Only the poll that the test's own timeout causes finds the result.
        assert!(start.elapsed() < s(1), "waited {:?}", start.elapsed());
    });
}

#[test]
fn late_refresh_does_not_return_dropped_credential() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let cache = cache(provider, &clock);
    running().block_on(async {
        let mut late = pin!(cache.refresh());
        assert!(poll_once(late.as_mut()).is_pending());
        let rejected = cache.get().await.unwrap();
        clock.advance(s(6));
        assert!(cache.invalidate(&rejected));
        assert_eq!(secret(&late.await.unwrap()), "t1.b");
    });
}

/// Hangs on the first `hangs` fetches, or on all after the first `answers`.
fn hanging(is_hanging: fn(usize) -> bool) -> (impl CredentialProvider, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let provider = move || {
        let call = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            if is_hanging(call) {
                std::future::pending::<()>().await;
            }
            Ok(token(&format!("t1.{call}")))
        }
    };
    (provider, calls)
}

fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() <= time {
        std::thread::yield_now();
    }
}

#[test]
fn short_waits_do_not_prolong_hanging_fetch() {
    let (provider, calls) = hanging(|call| call == 0);
    let cache = CredentialCache::builder(provider)
        .fetch_timeout(Duration::from_millis(50))
        .build();
    // One request after the other, each with an outer timeout shorter than the fetch's.
    let mut current = Box::pin(cache.get());
    for _ in 0..20 {
        assert!(calls.load(Ordering::Relaxed) < 2);
        match poll_once(current.as_mut()) {
            Poll::Ready(_) => return,
            Poll::Pending => spin(Duration::from_millis(30)),
        }
        let mut next = Box::pin(cache.get());
        if poll_once(next.as_mut()).is_ready() {
            return;
        }
        current = next;
    }
    panic!(
        "a fetch of 50 ms has been in flight for 600 ms: {:?}",
        cache.status()
    );
}

#[test]
fn waiter_waits_one_timeout_over_two_fetches() {
    let timeout = s(1);
    let (provider, _) = hanging(|_| true);
    let cache = CredentialCache::builder(provider)
        .fetch_timeout(timeout)
        .build();
    let first = running();
    first.block_on(async { assert!(poll_once(pin!(cache.get())).is_pending()) });
    let start = Instant::now();
    let waiter = std::thread::spawn(move || running().block_on(cache.get()).map(drop));
    std::thread::sleep(Duration::from_millis(800));
    drop(first);
    waiter.join().unwrap().unwrap_err();
    let waited = start.elapsed();
    assert!(waited < Duration::from_millis(1500), "waited {waited:?}");
}

#[test]
fn slow_subscriber_costs_no_second_fetch() {
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let cache = CredentialCache::builder(provider.clone())
        .fetch_timeout(Duration::from_millis(200))
        .build();
    let (started, is_started) = mpsc::channel();
    let first = cache.clone();
    let (joined, is_joined) = mpsc::channel::<()>();
    let fetching = std::thread::spawn(move || {
        let blocks = At("credential fetched", || {
            std::thread::sleep(Duration::from_millis(600));
        });
        let _subscribed = tracing::subscriber::set_default(blocks);
        let runtime = running();
        runtime.block_on(async {
            let mut fetch = pin!(first.refresh());
            assert!(poll_once(fetch.as_mut()).is_pending());
            started.send(()).unwrap();
            is_joined.recv().unwrap();
            fetch.await.map(drop)
        })
    });
    is_started.recv().unwrap();
    running().block_on(async {
        let mut second = pin!(cache.refresh());
        assert!(poll_once(second.as_mut()).is_pending());
        joined.send(()).unwrap();
        second.await.map(drop).unwrap();
    });
    fetching.join().unwrap().unwrap();
    assert_eq!(provider.calls(), 1);
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("the payload's destructor");
        }
    }
}

#[test]
fn panic_payload_with_destructor_begins_cool_down() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let provider = move || {
        let call = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            match call {
                0 => {}
                1..5 => std::panic::panic_any(Bomb),
                _ => std::future::pending().await,
            }
            Ok(token("t1.a"))
        }
    };
    let clock = ManualClock::new();
    let cache = cache(provider, &clock);
    paused().block_on(async {
        cache.get().await.unwrap();
        clock.advance(HOUR);
        tokio::time::sleep(s(61)).await;
        assert_eq!(calls.load(Ordering::Relaxed), 2, "no cool-down");
    });
}

#[test]
fn get_valid_for_replaces_overdue_fetch() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(endless("t1.a").with_lifetime(s(100)))
        .answer(endless("t1.b").with_lifetime(s(100)));
    let timeout = Duration::from_millis(10);
    let cache = CredentialCache::builder(provider)
        .fetch_timeout(timeout)
        .clock(clock.clone())
        .build();
    outside(cache.get()).unwrap();
    clock.advance(s(61));
    let still = running();
    still.block_on(async { assert!(poll_once(pin!(cache.get_valid_for(s(90)))).is_pending()) });
    std::thread::sleep(Duration::from_millis(1100));
    let credential = running().block_on(cache.get_valid_for(s(90))).unwrap();
    assert_eq!(secret(&credential), "t1.b");
}

#[test]
fn warm_request_replaces_due_fetch_whose_runtime_died() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a")).hang();
    let cache = cache(provider.clone(), &clock);
    let mut service = AuthLayer::from_cache(cache.clone()).layer(echo());
    let (lives, dies) = (running(), running());
    lives.block_on(service.call(request())).unwrap();
    clock.advance(s(3000));
    dies.block_on(async {
        service.call(request()).await.unwrap();
        tokio::task::yield_now().await;
    });
    assert_eq!(provider.calls(), 2);
    drop(dies);
    clock.advance(s(2));
    lives.block_on(async {
        service.call(request()).await.unwrap();
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    });
    assert_eq!(provider.calls(), 3, "the next caller starts another");
}

#[test]
fn concurrent_get_valid_for_fetches_once() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let provider = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok(endless("t1.a").with_lifetime(s(100))))
    };
    let clock = ManualClock::new();
    let cache = cache(provider, &clock);
    outside(cache.get()).unwrap();
    let threads = 4;
    let rounds = 1_000;
    let barrier = Barrier::new(threads);
    let doubled = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (barrier, cache, clock, calls, doubled) =
                (&barrier, &cache, &clock, &calls, &doubled);
            scope.spawn(move || {
                for _ in 0..rounds {
                    let before = calls.load(Ordering::Relaxed);
                    barrier.wait();
                    if thread == 0 {
                        clock.advance(s(61));
                    }
                    barrier.wait();
                    outside(cache.get_valid_for(s(90))).ok();
                    barrier.wait();
                    if thread == 0 && calls.load(Ordering::Relaxed) > before + 1 {
                        doubled.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(doubled.load(Ordering::Relaxed), 0, "of {rounds} renewals");
}

#[test]
fn get_valid_for_renews_due_credential() {
    let (provider, calls) = hanging(|_| false);
    let clock = ManualClock::new();
    let cache = cache(provider, &clock);
    outside(cache.get()).unwrap();
    clock.advance(s(3000));
    outside(cache.get_valid_for(s(60))).unwrap();
    outside(cache.get_valid_for(s(60))).unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2, "it is due");
}

#[test]
fn dropped_endless_credential_is_replaced_without_requests() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(endless("t1.a"))
        .answer(endless("t1.b"));
    let cache = cache(provider, &clock);
    paused().block_on(async {
        let rejected = cache.get().await.unwrap();
        pass(&clock, 10).await;
        assert!(cache.invalidate(&rejected));
        pass(&clock, 600).await;
        assert!(cache.status().is_ready(), "{:?}", cache.status().state());
    });
}

/// A static provider whose source is not there at first.
struct Late(ScriptedProvider);

impl Late {
    fn new() -> Self {
        // The constructor asks once, and `get` a second time.
        let script = ScriptedProvider::new()
            .fail(ProviderError::transient("vault is sealed"))
            .fail(ProviderError::transient("vault is sealed"));
        Self(script.answer(token("t1.a")))
    }
}

impl CredentialProvider for Late {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        self.0.fetch().await
    }

    fn is_static(&self) -> bool {
        true
    }
}

#[test]
fn failed_static_provider_heals_without_requests() {
    let clock = ManualClock::new();
    let cache = cache(Late::new(), &clock);
    paused().block_on(async {
        cache.get().await.unwrap_err();
        pass(&clock, 600).await;
        assert!(cache.status().is_ready(), "{:?}", cache.status());
    });
}

#[test]
fn refresh_of_failed_static_provider_ends_cool_down() {
    let clock = ManualClock::new();
    let cache = cache(Late::new(), &clock);
    outside(cache.get()).unwrap_err();
    assert_eq!(secret(&outside(cache.refresh()).unwrap()), "t1.a");
}

#[test]
fn request_in_cool_down_replaces_lost_timer() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .fail(ProviderError::transient("503"))
        .answer(token("t1.a"));
    let cache = cache(provider, &clock);
    let startup = running();
    startup.block_on(cache.get()).unwrap_err();
    drop(startup);
    paused().block_on(async {
        cache.get().await.unwrap_err();
        pass(&clock, 600).await;
        assert!(cache.status().is_ready(), "{:?}", cache.status());
    });
}

#[test]
fn request_outside_runtime_leaves_lost_timer_to_next() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let cache = cache(provider, &clock);
    let first = running();
    first.block_on(cache.get()).unwrap();
    drop(first);
    outside(cache.get()).unwrap();
    clock.rewind_wall(12 * HOUR);
    let mut service = AuthLayer::from_cache(cache).layer(echo());
    paused().block_on(async {
        assert_eq!(service.call(request()).await.unwrap().body(), "Bearer t1.a");
        for _ in 0..3700 {
            clock.advance_monotonic(s(1));
            tokio::time::sleep(s(1)).await;
        }
        assert_eq!(
            service.call(request()).await.unwrap().body(),
            "Bearer t1.b",
            "an expired token is sent"
        );
    });
}

#[test]
fn request_on_runtime_starts_missing_timer() {
    let clock = ManualClock::new();
    for token in [token("t1.a"), endless("t1.a").with_max_age(HOUR)] {
        let provider = ScriptedProvider::new().answer(token);
        let cache = cache(provider.clone(), &clock);
        outside(cache.get()).unwrap();
        paused().block_on(async {
            cache.get().await.unwrap();
            pass(&clock, 3700).await;
            assert!(provider.calls() > 1, "an idle service is not renewed");
        });
    }
}

#[test]
fn credential_without_end_needs_no_timer() {
    let mut service = AuthLayer::new(endless("t1.a")).layer(echo());
    let runtime = paused();
    runtime.block_on(async {
        service.call(request()).await.unwrap();
        service.call(request()).await.unwrap();
        let metrics = tokio::runtime::Handle::current().metrics();
        assert_eq!(metrics.num_alive_tasks(), 0);
    });
}

#[test]
fn runtime_without_timers_leaves_timer_of_another() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a"));
    let cache = cache(provider.clone(), &clock);
    let main = paused();
    main.block_on(cache.get()).unwrap();
    let timerless = Builder::new_current_thread().build().unwrap();
    timerless.block_on(cache.refresh()).unwrap();
    main.block_on(pass(&clock, 3700));
    assert!(provider.calls() > 2, "an idle service is not renewed");
}

#[test]
fn timer_starts_after_warm_up_without_timers() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a"));
    let cache = cache(provider.clone(), &clock);
    let timerless = Builder::new_current_thread().build().unwrap();
    timerless.block_on(cache.get()).unwrap();
    paused().block_on(async {
        cache.get().await.unwrap();
        pass(&clock, 3700).await;
        assert!(provider.calls() > 1, "an idle service is not renewed");
    });
}

#[test]
fn monotonic_expiry_shows_while_fetch_hangs() {
    for failures in [0, 1] {
        let clock = ManualClock::new();
        let mut provider = ScriptedProvider::new().answer(token("t1.a").with_lifetime(s(100)));
        for _ in 0..failures {
            provider = provider.fail(ProviderError::transient("down"));
        }
        let cache = CredentialCache::builder(provider.hang())
            .clock(clock.clone())
            .fetch_timeout(HOUR)
            .build();
        let mut service = AuthLayer::from_cache(cache.clone()).layer(echo());
        paused().block_on(async {
            service.call(request()).await.unwrap();
            clock.rewind_wall(HOUR);
            // It counts as expired in the last 5 of its 100 seconds.
            for _ in 0..96 {
                clock.advance_monotonic(s(1));
                tokio::time::sleep(s(1)).await;
            }
            assert!(cache.status().fetching_since().is_some());
            let response = service.call(request()).now_or_never();
            assert!(response.is_none(), "an expired token is sent");
        });
    }
}

#[test]
fn refresh_of_ended_static_credential_fetches_once() {
    let calls = Arc::new(AtomicUsize::new(0));
    let provider = LateStatic(calls.clone());
    let cache = CredentialCache::new(provider);
    let error = paused().block_on(cache.refresh()).unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
    // Once for the constructor, and once for the fetch.
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

/// A static provider that waits, and then returns a credential that has ended.
struct LateStatic(Arc<AtomicUsize>);

impl CredentialProvider for LateStatic {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        Ok(endless("t1.a").with_expiry(SystemTime::UNIX_EPOCH))
    }

    fn is_static(&self) -> bool {
        true
    }
}

#[test]
fn shorter_credential_ends_warm_path_sooner() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(endless("t1.b").with_lifetime(s(60)))
        .answer(token("t1.c"));
    let cache = cache(provider, &clock);
    let mut service = AuthLayer::from_cache(cache.clone()).layer(echo());
    let mut send = || outside(service.call(request())).unwrap().into_body();
    for _ in 0..3 {
        assert_eq!(send(), "Bearer t1.a");
    }
    outside(cache.refresh()).unwrap();
    for _ in 0..3 {
        assert_eq!(send(), "Bearer t1.b");
    }
    clock.advance(s(60));
    assert_eq!(send(), "Bearer t1.c", "an expired token is sent");
}

#[test]
fn static_token_expires_by_monotonic_clock() {
    let clock = ManualClock::new();
    let cache = cache(endless("t1.a").with_lifetime(s(100)), &clock);
    let mut service = AuthLayer::from_cache(cache.clone()).layer(echo());
    paused().block_on(async {
        service.call(request()).await.unwrap();
        clock.rewind_wall(HOUR);
        for _ in 0..200 {
            clock.advance_monotonic(s(1));
            tokio::time::sleep(s(1)).await;
        }
        assert!(cache.peek().is_none());
        let response = service.call(request()).await;
        assert!(response.is_err(), "an expired token is sent");
    });
}
