//! Waiters of a fetch: each observes the timeout, repeats the lookup before it sends, and runs no
//! foreign code while the cache is locked.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{Credential, CredentialCache, CredentialProvider, ProviderError};

use crate::polling::{block_on, poll_once};
use crate::token::token;

const HOUR: Duration = Duration::from_secs(3600);
const TIME_LIMIT: Duration = Duration::from_secs(20);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Blocks for the duration of this timeout.
fn block_for(timeout: Duration) {
    let start = Instant::now();
    while start.elapsed() <= timeout {
        std::thread::yield_now();
    }
}

fn header(credential: &Credential) -> &str {
    credential.header_value().to_str().unwrap()
}

#[test]
fn late_waiter_does_not_get_expired_credential() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a").with_lifetime(HOUR))
        .answer(token("t1.b").with_lifetime(HOUR));
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    let runtime = runtime();
    runtime.block_on(async {
        let mut late = pin!(cache.get());
        assert!(poll_once(late.as_mut()).is_pending());
        assert_eq!(header(&cache.get().await.unwrap()), "Bearer t1.a");
        clock.advance(HOUR);
        assert_eq!(header(&late.await.unwrap()), "Bearer t1.b");
    });
}

#[test]
fn late_waiter_does_not_get_dropped_credential() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a").with_lifetime(HOUR))
        .answer(token("t1.b").with_lifetime(HOUR));
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    runtime().block_on(async {
        let mut late = pin!(cache.get());
        assert!(poll_once(late.as_mut()).is_pending());
        let rejected = cache.get().await.unwrap();
        clock.advance(Duration::from_secs(6));
        assert!(cache.invalidate(&rejected));
        assert_eq!(header(&late.await.unwrap()), "Bearer t1.b");
    });
}

/// Never completes, and wakes its waker on each poll.
fn never_completing(calls: &Arc<AtomicUsize>) -> impl CredentialProvider + use<> {
    let calls = Arc::clone(calls);
    move || {
        calls.fetch_add(1, Ordering::Relaxed);
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }
}

#[test]
fn callers_polled_rarely_share_one_timeout() {
    let timeout = Duration::from_millis(1);
    let calls = Arc::new(AtomicUsize::new(0));
    let cache = CredentialCache::builder(never_completing(&calls))
        .fetch_timeout(timeout)
        .build();
    let mut callers = [Box::pin(cache.get()), Box::pin(cache.get())];
    assert!(
        callers
            .iter_mut()
            .all(|caller| poll_once(caller.as_mut()).is_pending())
    );
    block_for(timeout);
    for caller in &mut callers {
        let Poll::Ready(Err(error)) = poll_once(caller.as_mut()) else {
            panic!("the caller still waits")
        };
        assert!(
            error.to_string().contains("no credential within 1ms"),
            "{error}"
        );
        block_for(timeout);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1, "one fetch in total");
    assert_eq!(cache.status().consecutive_failures(), 1);
    assert!(cache.status().next_attempt_at().is_some(), "a cool-down");
}

#[test]
fn caller_whose_poll_blocks_joins_next_fetch() {
    let timeout = Duration::from_millis(50);
    let (blocked, is_blocked) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let calls = AtomicUsize::new(0);
    let provider = move || {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        if call == 0 {
            blocked.send(()).unwrap();
            released.lock().unwrap().recv_timeout(TIME_LIMIT).unwrap();
        }
        std::future::ready(Ok(token(&format!("t1.{call}"))))
    };
    let clock = ManualClock::new();
    let cache = CredentialCache::builder(provider)
        .fetch_timeout(timeout)
        .clock(clock.clone())
        .build();
    let first = cache.clone();
    let blocking = std::thread::spawn(move || block_on(first.get()));
    is_blocked.recv_timeout(TIME_LIMIT).unwrap();
    block_for(timeout);
    // The other caller ends the fetch at its timeout, and the next fetch succeeds.
    let error = runtime().block_on(cache.get()).unwrap_err();
    assert!(
        error.to_string().contains("no credential within"),
        "{error}"
    );
    clock.advance(Duration::from_secs(2));
    assert_eq!(header(&block_on(cache.get()).unwrap()), "Bearer t1.1");
    release.send(()).unwrap();
    // The result of the first caller's own poll is no longer used.
    let result = blocking.join().unwrap();
    let text = result.map_or_else(|error| error.to_string(), |c| header(&c).to_owned());
    assert!(
        text == "Bearer t1.1" || text.contains("no credential within"),
        "{text}"
    );
    assert_eq!(cache.status().generation(), 1);
}

#[test]
fn waiter_keeps_timeout_while_provider_blocks_worker() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let provider = move || {
        let _ = released.lock().unwrap().recv_timeout(TIME_LIMIT);
        std::future::ready(Ok(token("t1.late")))
    };
    let cache = CredentialCache::builder(provider)
        .fetch_timeout(Duration::from_millis(100))
        .build();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    // The wait ends only by the timeout of the waiter, since the provider is released afterwards.
    let error = runtime.block_on(cache.get()).unwrap_err();
    assert!(
        error.to_string().contains("no credential within 100ms"),
        "{error}"
    );
    assert_eq!(cache.status().consecutive_failures(), 1);
    release.send(()).unwrap();
}

#[test]
fn waiter_keeps_timeout_on_blocked_runtime() {
    let cache = CredentialCache::builder(ScriptedProvider::new().hang())
        .fetch_timeout(Duration::from_millis(100))
        .build();
    let (still, moving) = (runtime(), runtime());
    let mut waiter = Box::pin(async move { cache.get().await });
    still.block_on(async { assert!(poll_once(waiter.as_mut()).is_pending()) });
    let error = moving.block_on(waiter).unwrap_err();
    assert!(
        error.to_string().contains("no credential within 100ms"),
        "{error}"
    );
}

#[test]
fn late_result_leaves_next_fetch_in_flight() {
    const TIMEOUT: Duration = Duration::from_millis(10);
    let cell: Arc<Mutex<Option<CredentialCache>>> = Arc::default();
    let calls = AtomicUsize::new(0);
    let provider = {
        let cell = Arc::clone(&cell);
        move || {
            let (cell, call) = (Arc::clone(&cell), calls.fetch_add(1, Ordering::Relaxed));
            async move {
                if call > 0 {
                    std::future::pending::<()>().await;
                }
                // While this is polled, a caller ends the fetch and another starts the next.
                let cache = cell.lock().unwrap().take().unwrap();
                block_for(TIMEOUT);
                assert!(poll_once(pin!(cache.get())).is_ready());
                assert!(poll_once(pin!(cache.refresh())).is_pending());
                Ok(token("t1.late"))
            }
        }
    };
    let cache = CredentialCache::builder(provider)
        .fetch_timeout(TIMEOUT)
        .build();
    *cell.lock().unwrap() = Some(cache.clone());
    assert!(matches!(poll_once(pin!(cache.get())), Poll::Ready(Err(_))));
    assert!(cache.peek().is_none());
    assert!(cache.status().fetching_since().is_some());
}

#[test]
fn dropped_runtime_leaves_next_fetch_in_flight() {
    let cache = CredentialCache::builder(ScriptedProvider::new().hang())
        .fetch_timeout(Duration::from_millis(10))
        .build();
    let (stalled, moving) = (runtime(), runtime());
    stalled.block_on(async { assert!(poll_once(pin!(cache.get())).is_pending()) });
    moving.block_on(cache.get()).unwrap_err();
    moving.block_on(async { assert!(poll_once(pin!(cache.refresh())).is_pending()) });
    drop(stalled);
    assert!(cache.status().fetching_since().is_some());
}

#[test]
fn abandoned_fetch_wakes_waiters() {
    let timeout = Duration::from_millis(200);
    let provider = ScriptedProvider::new().answer(token("t1.a").with_lifetime(HOUR));
    let cache = CredentialCache::builder(provider)
        .fetch_timeout(timeout)
        .build();
    // The fetch starts on a runtime that is then blocked, so nothing polls it.
    let still = runtime();
    still.block_on(async { assert!(poll_once(pin!(cache.get())).is_pending()) });
    let woken = Arc::new(AtomicUsize::new(0));
    let waker = Waker::from(Arc::new(Count(Arc::clone(&woken))));
    let mut parked = Box::pin(cache.get());
    assert!(
        parked
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    block_for(timeout + Duration::from_secs(1));
    assert_eq!(header(&block_on(cache.get()).unwrap()), "Bearer t1.a");
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    let Poll::Ready(Ok(credential)) = poll_once(parked.as_mut()) else {
        panic!("the waiter does not join the next fetch")
    };
    assert_eq!(header(&credential), "Bearer t1.a");
}

struct Count(Arc<AtomicUsize>);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// An error whose destructor uses the cache.
#[derive(Debug)]
struct UsesCacheOnDrop(Arc<OnceLock<CredentialCache>>);

impl std::fmt::Display for UsesCacheOnDrop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("down")
    }
}

impl std::error::Error for UsesCacheOnDrop {}

impl Drop for UsesCacheOnDrop {
    fn drop(&mut self) {
        if let Some(cache) = self.0.get() {
            let _ = cache.status();
            let _ = cache.invalidate(&token("t1.a"));
        }
    }
}

fn within_time_limit(work: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        work();
        done.send(()).unwrap();
    });
    is_done.recv_timeout(TIME_LIMIT).expect("no deadlock");
}

#[test]
fn destructor_of_error_may_use_cache() {
    within_time_limit(|| {
        let own = Arc::new(OnceLock::new());
        let inner = Arc::clone(&own);
        let calls = AtomicUsize::new(0);
        let provider = move || {
            std::future::ready(match calls.fetch_add(1, Ordering::Relaxed) {
                0 | 1 => Err(ProviderError::transient(UsesCacheOnDrop(Arc::clone(
                    &inner,
                )))),
                _ => Ok(token("t1.a")),
            })
        };
        let cache = CredentialCache::new(provider);
        own.set(cache.clone()).unwrap();
        // The second failure replaces the first, and the success the second.
        for _ in 0..3 {
            drop(block_on(cache.refresh()));
        }
        assert!(cache.status().is_ready());
    });
}

/// A waker that drops another waiter when it is woken.
struct DropsOther(Mutex<Option<Waiter>>);

type Waiter = Pin<Box<dyn Future<Output = Result<Credential, ProviderError>> + Send>>;

impl Wake for DropsOther {
    fn wake(self: Arc<Self>) {
        let other = self.0.lock().unwrap().take();
        drop(other);
    }
}

/// A cache whose first fetch waits until something is sent.
fn gated() -> (oneshot::Sender<()>, CredentialCache) {
    let (gate, opened) = oneshot::channel();
    let opened = Mutex::new(Some(opened));
    let provider = move || {
        let opened = opened.lock().unwrap().take();
        async move {
            if let Some(opened) = opened {
                let _ = opened.await;
            }
            Ok(token("t1.a"))
        }
    };
    (gate, CredentialCache::new(provider))
}

#[test]
fn waker_may_drop_another_waiter() {
    within_time_limit(|| {
        let (gate, cache) = gated();
        let other = cache.clone();
        let mut other = Box::pin(async move { other.get().await });
        assert!(poll_once(other.as_mut()).is_pending());
        let waker = Waker::from(Arc::new(DropsOther(Mutex::new(Some(other)))));
        let mut waiter = Box::pin(cache.get());
        assert!(
            waiter
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        gate.send(()).unwrap();
        assert!(block_on(waiter).is_ok());
    });
}

#[test]
fn clock_may_use_cache() {
    struct UsesCacheOnDrop(ManualClock, Arc<OnceLock<CredentialCache>>);
    impl yandex_cloud_auth::Clock for UsesCacheOnDrop {
        fn wall(&self) -> std::time::SystemTime {
            thread_local!(static DEPTH: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });
            if let Some(cache) = self.1.get().filter(|_| !DEPTH.replace(true)) {
                let _ = cache.status();
                DEPTH.set(false);
            }
            self.0.wall()
        }
        fn monotonic(&self) -> Instant {
            self.0.monotonic()
        }
    }
    within_time_limit(|| {
        let own = Arc::new(OnceLock::new());
        let clock = UsesCacheOnDrop(ManualClock::new(), Arc::clone(&own));
        let provider = ScriptedProvider::new().answer(token("t1.a").with_lifetime(HOUR));
        let cache = CredentialCache::builder(provider).clock(clock).build();
        own.set(cache.clone()).unwrap();
        assert!(block_on(cache.get()).is_ok());
        assert!(cache.peek().is_some());
        assert!(!cache.invalidate(&token("t1.a")));
    });
}

#[test]
fn dropped_waiter_passes_fetch_on() {
    let (gate, cache) = gated();
    let mut first = Box::pin(cache.get());
    assert!(poll_once(first.as_mut()).is_pending());
    let second = cache.clone();
    let second = std::thread::spawn(move || block_on(second.get()));
    while cache.status().fetching_since().is_none() {
        std::thread::yield_now();
    }
    // The first waiter may get the wake-up, and is dropped before it is polled.
    gate.send(()).unwrap();
    drop(first);
    assert!(second.join().unwrap().is_ok());
}

#[test]
fn dropped_waiter_wakes_no_other() {
    let (_gate, cache) = gated();
    let mut waiters = [(); 2].map(|()| tokio_test::task::spawn(cache.get()));
    assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_pending()));
    let [first, second] = waiters;
    drop(first);
    assert!(!second.is_woken());
}

#[tokio::test(start_paused = true)]
async fn dropped_waiter_leaves_no_waker() {
    struct Task;
    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }
    let (_gate, cache) = gated();
    let task = Arc::new(Task);
    let mut waiter = Box::pin(cache.get());
    let waker = Waker::from(Arc::clone(&task));
    assert!(
        waiter
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop((waiter, waker));
    assert_eq!(Arc::strong_count(&task), 1);
}

#[test]
fn woken_fetch_wakes_every_waiter() {
    let (gate, cache) = gated();
    let mut waiters = [(); 3].map(|()| tokio_test::task::spawn(cache.get()));
    assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_pending()));
    gate.send(()).unwrap();
    // Which of them is polled next is not known, and one may never be.
    assert!(waiters.iter().all(|waiter| waiter.is_woken()));
}

#[test]
fn waiter_dropped_when_woken_wakes_another() {
    let cell: Arc<Mutex<Option<CredentialCache>>> = Arc::default();
    let (register, registered) = mpsc::channel();
    let provider = {
        let cell = Arc::clone(&cell);
        move || {
            let (cell, register) = (Arc::clone(&cell), register.clone());
            std::future::poll_fn(move |cx| {
                let cache = cell.lock().unwrap().take().unwrap();
                // The first waiter polls this. It is woken, and only then the second one begins.
                cx.waker().wake_by_ref();
                let mut second = tokio_test::task::spawn(async move { cache.get().await });
                assert!(second.poll().is_pending());
                register.send(second).unwrap();
                Poll::Pending
            })
        }
    };
    let cache = CredentialCache::new(provider);
    *cell.lock().unwrap() = Some(cache.clone());
    let mut first = tokio_test::task::spawn(cache.get());
    assert!(first.poll().is_pending());
    let second = registered.recv().unwrap();
    assert!(first.is_woken() && !second.is_woken());
    drop(first);
    assert!(second.is_woken());
}

#[test]
fn last_handle_drops_fetch_and_provider() {
    let provided = Arc::new(());
    let provider = {
        let provided = Arc::clone(&provided);
        move || {
            let provided = Arc::clone(&provided);
            async move {
                let _provided = provided;
                std::future::pending().await
            }
        }
    };
    let cache = CredentialCache::new(provider);
    {
        let mut waiter = Box::pin(cache.get());
        assert!(poll_once(waiter.as_mut()).is_pending());
    }
    assert!(Arc::strong_count(&provided) > 1);
    drop(cache);
    assert_eq!(Arc::strong_count(&provided), 1);
}

#[test]
fn status_shows_fetch_in_flight() {
    let clock = ManualClock::new();
    let cache = CredentialCache::builder(ScriptedProvider::new().hang())
        .clock(clock.clone())
        .build();
    assert_eq!(cache.status().fetching_since(), None);
    let started = yandex_cloud_auth::Clock::wall(&clock);
    let mut waiter = Box::pin(cache.get());
    assert!(poll_once(waiter.as_mut()).is_pending());
    clock.advance(Duration::from_secs(7));
    assert_eq!(cache.status().fetching_since(), Some(started));
}
