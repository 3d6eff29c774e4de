//! Fetches without a runtime, and on runtimes that are blocked or shut down.

#[path = "support/polling.rs"]
mod polling;
#[path = "support/token.rs"]
mod token;

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response};
use tokio::runtime::Runtime;
use tower::{Layer, Service};
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{
    AuthLayer, Clock, Credential, CredentialCache, CredentialProvider, ProviderError,
};

use crate::polling::{block_on, poll_once};
use crate::token::token;

const HOUR: Duration = Duration::from_secs(3600);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn text(result: Result<Credential, ProviderError>) -> String {
    result
        .unwrap()
        .header_value()
        .to_str()
        .unwrap()
        .split_once(' ')
        .unwrap()
        .1
        .to_owned()
}

/// A provider whose call `n` returns the token `t1.n` after `polls(n)` polls. Each poll wakes the
/// waker.
fn yielding(polls: fn(usize) -> usize) -> (impl CredentialProvider, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let provider = move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        async move {
            let mut left = polls(number);
            std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                left = left.saturating_sub(1);
                if left == 0 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
            Ok(token(&format!("t1.{number}")))
        }
    };
    (provider, calls)
}

const HANG: usize = usize::MAX;

/// Runs `work` on another thread and returns its result. Panics if it hangs.
fn within_time_limit<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    result
        .recv_timeout(Duration::from_secs(20))
        .expect("a result within the time limit")
}

fn request() -> Request<()> {
    Request::get("/workflows/v1/execution").body(()).unwrap()
}

#[test]
fn caller_drives_fetch_after_runtime_shutdown() {
    let (provider, calls) = yielding(|_| 0);
    let cache = CredentialCache::new(provider);
    let dropped = runtime();
    let handle = dropped.handle().clone();
    drop(dropped);
    let result = within_time_limit(move || {
        let _entered = handle.enter();
        block_on(cache.get())
    });
    assert_eq!(text(result), "t1.0");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn waiter_ends_fetch_on_blocked_runtime() {
    let (provider, calls) = yielding(|_| 0);
    let clock = ManualClock::new();
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .fetch_timeout(Duration::from_millis(100))
        .build();
    let blocked = runtime();
    blocked.block_on(async { assert!(poll_once(pin!(cache.get())).is_pending()) });
    within_time_limit(move || {
        runtime().block_on(async {
            let error = cache.get().await.unwrap_err();
            assert!(
                error.to_string().contains("no credential within 100ms"),
                "{error}"
            );
            clock.advance(Duration::from_secs(1));
            assert_eq!(text(cache.get().await), "t1.0");
        });
    });
    blocked.block_on(tokio::task::yield_now());
    assert_eq!(
        calls.load(Ordering::Relaxed),
        1,
        "the fetch on the blocked runtime makes no call"
    );
}

#[test]
fn renewal_on_stalled_runtime_is_replaced() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let timeout = Duration::from_millis(10);
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .fetch_timeout(timeout)
        .build();
    let client = tower::service_fn(|_: Request<()>| {
        std::future::ready(Ok::<_, std::io::Error>(Response::new(())))
    });
    let mut service = AuthLayer::from_cache(cache.clone()).layer(client);
    let (blocked, moving) = (runtime(), runtime());
    moving.block_on(service.call(request())).unwrap();
    clock.advance(HOUR);
    // The second request skips the lookup.
    blocked.block_on(async {
        service.call(request()).await.unwrap();
        service.call(request()).await.unwrap();
    });
    moving.block_on(async {
        // The fetch timeout uses real time. Requests skip the lookup by the manual clock.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        clock.advance(Duration::from_secs(2));
        service.call(request()).await.unwrap();
        let fetched = async {
            while cache.status().generation() < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), fetched)
            .await
            .expect("a second credential");
        assert_eq!(text(cache.get().await), "t1.b");
    });
}

#[test]
fn due_fetch_left_without_waiters_is_replaced() {
    let clock = ManualClock::new();
    let (provider, calls) = yielding(|_| 3);
    let timeout = Duration::from_millis(500);
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .fetch_timeout(timeout)
        .build();
    assert_eq!(text(block_on(cache.get())), "t1.0");
    clock.advance(HOUR);
    assert_eq!(text(block_on(cache.get())), "t1.0");
    std::thread::sleep(timeout);
    clock.advance(12 * HOUR);
    assert_eq!(text(block_on(cache.get())), "t1.2");
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    assert!(cache.status().last_error().is_none());
}

/// A clock that counts the reads of its monotonic time.
#[derive(Clone)]
struct Counting(ManualClock, Arc<AtomicUsize>);

impl Clock for Counting {
    fn wall(&self) -> std::time::SystemTime {
        self.0.wall()
    }

    fn monotonic(&self) -> std::time::Instant {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.monotonic()
    }
}

#[test]
fn abandoned_refresh_keeps_warm_path() {
    let clock = Counting(ManualClock::new(), Arc::default());
    let (provider, _) = yielding(|number| if number == 0 { 0 } else { HANG });
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    let runtime = runtime();
    runtime.block_on(cache.get()).unwrap();
    assert!(poll_once(pin!(cache.refresh())).is_pending());
    let client = tower::service_fn(|_: Request<()>| {
        std::future::ready(Ok::<_, std::io::Error>(Response::new(())))
    });
    let mut service = AuthLayer::from_cache(cache).layer(client);
    let mut send = || {
        runtime
            .block_on(async { service.call(request()).await })
            .unwrap()
    };
    send();
    let before = clock.1.load(Ordering::Relaxed);
    for _ in 0..100 {
        send();
    }
    assert_eq!(
        clock.1.load(Ordering::Relaxed),
        before,
        "a warm request read the monotonic clock"
    );
}

#[test]
fn loss_of_superseded_timer_keeps_warm_path() {
    let clock = Counting(ManualClock::new(), Arc::default());
    let (provider, _) = yielding(|_| 0);
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    let (first, second) = (runtime(), runtime());
    first.block_on(cache.get()).unwrap();
    second.block_on(cache.refresh()).unwrap();
    drop(first);
    let client = tower::service_fn(|_: Request<()>| {
        std::future::ready(Ok::<_, std::io::Error>(Response::new(())))
    });
    let mut service = AuthLayer::from_cache(cache).layer(client);
    let mut send = || block_on(service.call(request())).unwrap();
    send();
    let before = clock.1.load(Ordering::Relaxed);
    send();
    assert_eq!(
        clock.1.load(Ordering::Relaxed),
        before,
        "a warm request read the monotonic clock"
    );
}

#[test]
fn caller_driven_fetch_outlives_runtime() {
    let clock = ManualClock::new();
    let (provider, _) = yielding(|number| if number == 0 { 0 } else { HANG });
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    block_on(cache.get()).unwrap();
    clock.advance(HOUR);
    let client = tower::service_fn(|_: Request<()>| {
        std::future::ready(Ok::<_, std::io::Error>(Response::new(())))
    });
    let mut service = AuthLayer::from_cache(cache).layer(client);
    for _ in 0..3 {
        // The call is outside of a runtime. Each response is polled on another runtime.
        let response = service.call(request());
        assert!(runtime().block_on(response).is_ok());
    }
}

#[test]
fn waiter_on_runtime_times_out_caller_driven_fetch() {
    let (provider, _) = yielding(|_| HANG);
    let timeout = Duration::from_millis(20);
    let cache = CredentialCache::builder(provider)
        .fetch_timeout(timeout)
        .build();
    let mut early = Box::pin(cache.get());
    assert!(poll_once(early.as_mut()).is_pending());
    let waiting = cache.clone();
    let error =
        within_time_limit(move || runtime().block_on(async { waiting.get().await.unwrap_err() }));
    assert!(
        error.to_string().contains("no credential within 20ms"),
        "{error}"
    );
    let Poll::Ready(Err(same)) = poll_once(early.as_mut()) else {
        panic!("the first caller still waits")
    };
    assert_eq!(same.to_string(), error.to_string());
}
