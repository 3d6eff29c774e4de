//! The cache under many schedules of its threads, which the model checker shuttle chooses.
//!
//! `SCHEDULES` in the environment sets how many each scheduler tries.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use http::header::AUTHORIZATION;
use http::{Request, Response};
use shuttle::future::{block_on, yield_now};
use shuttle::thread;
use tower_layer::Layer;
use tower_service::Service;

use super::settings::Settings;
use super::state::State;
use super::{CredentialCache, Rejection, reject};
use crate::auth::AuthLayer;
use crate::clock::{Clock, TimeSource};
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::CredentialProvider;
use crate::runtime::{abort_tasks, running_tasks, start};
use crate::sync::{AtomicBool, AtomicUsize, Mutex};

/// Without a runtime, and with one: no timer fires, or two do.
const RUNTIMES: [Option<usize>; 3] = [None, Some(0), Some(2)];

/// Explores the schedules of the test on each of these runtimes.
fn explore(runtimes: &[Option<usize>], test: impl Fn() + Clone + Send + Sync + 'static) {
    let schedules = std::env::var("SCHEDULES").map_or(500, |text| text.parse().unwrap());
    for &timers in runtimes {
        let test = test.clone();
        let run = move || {
            start(timers);
            test();
            // The test has dropped its caches. An aborted task ends when it is polled next.
            while running_tasks() > 0 {
                thread::yield_now();
            }
        };
        shuttle::check_random(run.clone(), schedules);
        shuttle::check_pct(run, schedules, 3);
        println!("{} schedules on {timers:?}", 2 * schedules);
    }
}

/// A clock that shows one time, old enough for the entries of a test to be dropped.
#[derive(Clone)]
struct Stopped(Arc<std::sync::Mutex<(SystemTime, Instant)>>);

impl Stopped {
    fn new() -> Self {
        Self(Arc::new(std::sync::Mutex::new((
            SystemTime::now(),
            Instant::now(),
        ))))
    }

    fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        now.0 += by;
        now.1 += by;
    }
}

impl Clock for Stopped {
    fn wall(&self) -> SystemTime {
        self.0.lock().unwrap().0
    }

    fn monotonic(&self) -> Instant {
        self.0.lock().unwrap().1
    }
}

/// Fetch `n`, counted from 1, returns `t1.n` once the gate is open.
#[derive(Clone, Default)]
struct Source(Arc<Counts>);

#[derive(Default)]
struct Counts {
    fetches: AtomicUsize,
    active: AtomicUsize,
    gate: Gate,
}

#[derive(Default)]
struct Gate {
    is_closed: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Gate {
    fn closed() -> Self {
        Self {
            is_closed: AtomicBool::new(true),
            waker: Mutex::default(),
        }
    }

    fn open(&self) {
        self.is_closed.store(false, Ordering::SeqCst);
        let waker = self.waker.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn pass(&self) {
        poll_fn(|cx| {
            *self.waker.lock().unwrap() = Some(cx.waker().clone());
            match self.is_closed.load(Ordering::SeqCst) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        })
        .await;
    }
}

impl Source {
    fn closed() -> Self {
        Self(Arc::new(Counts {
            gate: Gate::closed(),
            ..Counts::default()
        }))
    }

    fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::SeqCst)
    }

    fn cache(&self, clock: &Stopped) -> CredentialCache {
        CredentialCache {
            state: State::new(
                Arc::new(self.clone()),
                Settings::DEFAULT,
                TimeSource::User(Box::new(clock.clone())),
                || 0.5,
            ),
        }
    }
}

impl CredentialProvider for Source {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let number = self.0.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        let active = Active::start(&self.0);
        self.0.gate.pass().await;
        yield_now().await;
        drop(active);
        let token = Credential::iam_token(format!("t1.{number}"))?;
        Ok(token.with_lifetime(Duration::from_secs(12 * 3600)))
    }
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

fn text(credential: &Credential) -> String {
    credential.header_value().to_str().unwrap().to_owned()
}

fn get(cache: &CredentialCache) -> thread::JoinHandle<Result<String, String>> {
    let cache = cache.clone();
    thread::spawn(move || {
        let result = block_on(cache.get());
        result
            .map(|credential| text(&credential))
            .map_err(|error| error.to_string())
    })
}

/// Polls a call once and drops it.
fn poll_and_cancel(cache: &CredentialCache) -> thread::JoinHandle<()> {
    let cache = cache.clone();
    thread::spawn(move || {
        let _ = pin!(cache.get()).poll(&mut Context::from_waker(Waker::noop()));
    })
}

/// A cache whose first credential is old enough to be dropped.
fn aged(source: &Source) -> CredentialCache {
    let clock = Stopped::new();
    let cache = source.cache(&clock);
    block_on(cache.get()).unwrap();
    clock.advance(Duration::from_secs(6));
    cache
}

fn reject_first(cache: &CredentialCache) -> Option<Rejection> {
    reject(cache.state.id.unwrap(), 1)
}

#[test]
fn concurrent_callers_share_one_fetch() {
    explore(&RUNTIMES, || {
        let source = Source::default();
        let cache = source.cache(&Stopped::new());
        let callers = [get(&cache), get(&cache), get(&cache)];
        for caller in callers {
            if let Ok(token) = caller.join().unwrap() {
                assert_eq!(token, "Bearer t1.1");
            }
        }
        // None, if the timer of a waiter fires first.
        assert!(source.fetches() <= 1);
    });
}

#[test]
fn cancelled_waiter_leaves_fetch_to_others() {
    explore(&[None, Some(0)], || {
        let source = Source::closed();
        let cache = source.cache(&Stopped::new());
        let cancelled = poll_and_cancel(&cache);
        let callers = [get(&cache), get(&cache)];
        source.0.gate.open();
        for caller in callers {
            assert_eq!(caller.join().unwrap().unwrap(), "Bearer t1.1");
        }
        cancelled.join().unwrap();
    });
}

#[test]
fn waiters_of_dead_runtime_join_another_fetch() {
    explore(&[Some(0)], || {
        let source = Source::default();
        let cache = source.cache(&Stopped::new());
        let callers = [get(&cache), get(&cache)];
        abort_tasks();
        for caller in callers {
            caller.join().unwrap().unwrap();
        }
        assert!(source.fetches() <= 3);
    });
}

#[test]
fn waiters_get_same_result_at_timeout() {
    explore(&[Some(1), Some(2), Some(3)], || {
        let source = Source::closed();
        let cache = source.cache(&Stopped::new());
        let callers = [get(&cache), get(&cache)];
        let gate = source.clone();
        let opening = thread::spawn(move || gate.0.gate.open());
        let [one, other] = callers.map(|caller| caller.join().unwrap());
        assert_eq!(one, other);
        opening.join().unwrap();
        assert!(source.fetches() <= 1, "a failure starts a cool-down");
    });
}

#[test]
fn rejection_keeps_newer_generation() {
    explore(&[None, Some(0)], || {
        let source = Source::default();
        let cache = aged(&source);
        let rejecting = [1, 2].map(|_| {
            let cache = cache.clone();
            thread::spawn(move || reject_first(&cache))
        });
        let refreshing = cache.clone();
        let refreshed = thread::spawn(move || block_on(refreshing.refresh()).unwrap());
        let rejections = rejecting.map(|thread| thread.join().unwrap().unwrap());
        assert_eq!(text(&refreshed.join().unwrap()), "Bearer t1.2");
        let drops = rejections.iter().filter(|&&one| one == Rejection::Dropped);
        assert!(drops.count() <= 1);
        let current = cache.peek().expect("the newer credential");
        assert_eq!(text(&current), "Bearer t1.2");
        assert_eq!(reject_first(&cache), Some(Rejection::Replaced));
    });
}

#[test]
fn request_after_drop_carries_newer_credential() {
    explore(&[None, Some(0)], || {
        let source = Source::default();
        let cache = aged(&source);
        let client = |request: Request<()>| {
            let value = request.headers()[AUTHORIZATION]
                .to_str()
                .unwrap()
                .to_owned();
            std::future::ready(Ok::<_, std::convert::Infallible>(Response::new(value)))
        };
        let mut service = AuthLayer::from_cache(cache.clone()).layer(tower::service_fn(client));
        let mut send = move || {
            let request = Request::get("/workflows/v1/execution").body(()).unwrap();
            block_on(service.call(request)).unwrap().into_body()
        };
        // The service has a copy of its own after the second use.
        assert_eq!([send(), send()], ["Bearer t1.1", "Bearer t1.1"]);
        let is_dropped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_dropped);
        let sending = thread::spawn(move || {
            for _ in 0..2 {
                let is_dropped = seen.load(Ordering::SeqCst);
                let sent = send();
                assert!(!is_dropped || sent == "Bearer t1.2", "{sent} was dropped");
            }
        });
        let others = [get(&cache), get(&cache)];
        assert_eq!(reject_first(&cache), Some(Rejection::Dropped));
        is_dropped.store(true, Ordering::SeqCst);
        sending.join().unwrap();
        for other in others {
            other.join().unwrap().unwrap();
        }
        assert!(source.fetches() <= 2);
    });
}

#[test]
fn concurrent_refreshes_leave_one_timer() {
    explore(&[Some(0)], || {
        let source = Source::default();
        let cache = aged(&source);
        let refreshing = [1, 2].map(|_| {
            let cache = cache.clone();
            thread::spawn(move || block_on(cache.refresh()).unwrap())
        });
        let rejecting = cache.clone();
        let rejecting = thread::spawn(move || reject_first(&rejecting));
        for refreshed in refreshing {
            refreshed.join().unwrap();
        }
        rejecting.join().unwrap();
        while running_tasks() > 1 {
            thread::yield_now();
        }
        assert_eq!(running_tasks(), 1, "the timer");
    });
}

#[test]
fn last_handle_ends_fetch_and_timer() {
    explore(&RUNTIMES, || {
        let source = Source::closed();
        let counts = Arc::downgrade(&source.0);
        let cache = source.cache(&Stopped::new());
        drop(source);
        let callers = [poll_and_cancel(&cache), poll_and_cancel(&cache)];
        let dropping = thread::spawn(move || drop(cache));
        for thread in callers.into_iter().chain([dropping]) {
            thread.join().unwrap();
        }
        while running_tasks() > 0 {
            thread::yield_now();
        }
        assert_eq!(counts.strong_count(), 0, "the provider is dropped");
    });
}
