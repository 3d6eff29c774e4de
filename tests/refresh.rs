//! How long a credential is used, who fetches the next one, and what a failure costs.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{
    CacheState, Clock, Credential, CredentialCache, CredentialProvider, ProviderError,
};

const HOUR: Duration = Duration::from_secs(3600);

const fn s(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn token(text: &str) -> Credential {
    Credential::iam_token(text)
        .unwrap()
        .with_lifetime(12 * HOUR)
}

fn cache(provider: &ScriptedProvider, clock: &ManualClock) -> CredentialCache {
    CredentialCache::builder(provider.clone())
        .clock(clock.clone())
        .build()
}

fn text(credential: &Credential) -> &str {
    credential
        .header_value()
        .to_str()
        .unwrap()
        .split_once(' ')
        .unwrap()
        .1
}

fn message(error: &ProviderError) -> String {
    error.to_string()
}

/// Real and manual time go on together, second by second.
async fn tick(clock: &ManualClock, seconds: u64) {
    for _ in 0..seconds {
        clock.advance(s(1));
        sleep(s(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn cold_callers_share_one_fetch() {
    let provider = ScriptedProvider::new().after(s(1)).answer(token("t1.a"));
    let cache = CredentialCache::new(provider.clone());
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get().await.unwrap() })
        })
        .collect();
    for caller in callers {
        assert_eq!(text(&caller.await.unwrap()), "t1.a");
    }
    assert_eq!(provider.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn failed_fetch_fails_all_waiters_once() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .after(s(1))
        .fail(ProviderError::transient("boom 1"))
        .after(s(1))
        .fail(ProviderError::transient("boom 2"))
        .answer(token("t1.a"));
    let cache = cache(&provider, &clock);
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get().await.unwrap_err() })
        })
        .collect();
    for caller in callers {
        assert_eq!(message(&caller.await.unwrap()), "boom 1");
    }
    for _ in 0..1000 {
        assert_eq!(message(&cache.get().await.unwrap_err()), "boom 1");
    }
    clock.advance(Duration::from_millis(499));
    assert_eq!(message(&cache.get().await.unwrap_err()), "boom 1");
    assert_eq!(provider.calls(), 1);

    clock.advance(Duration::from_millis(501));
    assert_eq!(message(&cache.get().await.unwrap_err()), "boom 2");
    assert_eq!(provider.calls(), 2);

    clock.advance(s(2));
    assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
}

/// Answers after a number of polls, each of which wakes its waker.
struct Yielding(usize);

impl CredentialProvider for Yielding {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        for _ in 0..self.0 {
            tokio::task::yield_now().await;
        }
        Ok(token("t1.a"))
    }
}

#[tokio::test]
async fn cancelled_caller_leaves_no_waiter_hanging() {
    for polls in 0..8 {
        let cache = CredentialCache::new(Yielding(4));
        let mut leader = Box::pin(cache.get());
        for _ in 0..polls {
            if leader
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_ready()
            {
                break;
            }
            tokio::task::yield_now().await;
        }
        let follower = tokio::spawn({
            let cache = cache.clone();
            async move { cache.get().await }
        });
        tokio::task::yield_now().await;
        drop(leader);
        let credential = timeout(s(10), follower)
            .await
            .expect("the follower hangs")
            .unwrap()
            .unwrap();
        assert_eq!(text(&credential), "t1.a", "after {polls} polls");
    }
}

#[test]
fn cancelled_driver_leaves_fetch_to_next_caller() {
    for polls in 0..8 {
        let cache = CredentialCache::new(Yielding(4));
        let mut cx = Context::from_waker(Waker::noop());
        let mut leader = Box::pin(cache.get());
        let mut follower = Box::pin(cache.get());
        let mut done = false;
        for _ in 0..polls {
            done = done
                || leader.as_mut().poll(&mut cx).is_ready()
                || follower.as_mut().poll(&mut cx).is_ready();
        }
        drop((leader, follower));
        let mut last = pin!(cache.get());
        assert!(
            (0..20).any(|_| matches!(last.as_mut().poll(&mut cx), Poll::Ready(Ok(_)))),
            "after {polls} polls"
        );
        assert_eq!(cache.status().generation(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn fetch_continues_after_all_waiters_left() {
    let provider = ScriptedProvider::new().after(s(3)).answer(token("t1.a"));
    let cache = CredentialCache::new(provider.clone());
    for _ in 0..100 {
        assert!(
            timeout(Duration::from_millis(10), cache.get())
                .await
                .is_err()
        );
    }
    assert!(cache.peek().is_none());
    sleep(s(3)).await;
    assert_eq!(text(&cache.peek().unwrap()), "t1.a");
    assert_eq!(provider.calls(), 1);
}

#[test]
fn fetch_of_dead_runtime_is_replaced() {
    let provider = ScriptedProvider::new().hang().answer(token("t1.b"));
    let cache = CredentialCache::new(provider.clone());
    let first = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let second = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();

    let waiting = cache.clone();
    let waiter = first.spawn(async move { waiting.get().await });
    while provider.calls() == 0 {
        std::thread::yield_now();
    }
    // One waits for it already when its runtime dies, one comes later.
    let mut early = Box::pin(cache.get());
    second.block_on(async { assert!(poll_once(early.as_mut()).await.is_pending()) });
    drop(first);
    assert_eq!(text(&second.block_on(early).unwrap()), "t1.b");
    assert_eq!(text(&second.block_on(cache.get()).unwrap()), "t1.b");
    assert_eq!(provider.calls(), 2);
    drop(waiter);
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

#[tokio::test(start_paused = true)]
async fn no_caller_waits_for_due_renewal() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .after(s(4))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.advance(HOUR);
    assert_eq!(cache.status().state(), CacheState::Due);
    let start = Instant::now();
    for _ in 0..1000 {
        assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    sleep(s(5)).await;
    assert_eq!(text(&cache.get().await.unwrap()), "t1.b");
    assert_eq!(provider.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn hanging_fetch_ends_at_timeout() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().hang().answer(token("t1.a"));
    let cache = cache(&provider, &clock);
    let start = Instant::now();
    let error = cache.get().await.unwrap_err();
    assert_eq!(start.elapsed(), s(30));
    assert_eq!(
        message(&error),
        "ScriptedProvider: no credential within 30s"
    );
    clock.advance(s(1));
    assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
}

#[tokio::test(start_paused = true)]
async fn revoked_key_is_tried_rarely_and_heals() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().fail(ProviderError::permanent("revoked"));
    let cache = cache(&provider, &clock);
    for _ in 0..3600 {
        assert!(cache.get().await.is_err());
        tick(&clock, 1).await;
    }
    // Pauses of 1 min to 2 min, after four shorter ones.
    assert!(
        (32..=65).contains(&provider.calls()),
        "{} calls",
        provider.calls()
    );

    let healing = ScriptedProvider::new()
        .fail(ProviderError::permanent("revoked"))
        .answer(token("t1.a"));
    let cache = CredentialCache::builder(healing)
        .clock(clock.clone())
        .build();
    assert!(cache.get().await.is_err());
    tick(&clock, 10).await;
    assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
}

#[tokio::test(start_paused = true)]
async fn outage_keeps_valid_credential() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .fail(ProviderError::transient("down"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.advance(HOUR);
    for _ in 0..3600 {
        assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
        tick(&clock, 1).await;
    }
    // With eleven hours left, a pause is 5 min to 10 min.
    assert!(
        (6..=16).contains(&provider.calls()),
        "{} calls",
        provider.calls()
    );
    let status = cache.status();
    assert!(status.is_ready());
    assert_eq!(status.last_error().unwrap().to_string(), "down");
    assert_eq!(status.consecutive_failures() as usize, provider.calls() - 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .fail(ProviderError::transient("busy").with_retry_after(s(7)))
        .answer(token("t1.a"));
    let cache = cache(&provider, &clock);
    assert!(cache.get().await.is_err());
    // The delay asked for, times a random 1 to 2.
    let next = cache.status().next_attempt_at().unwrap();
    let pause = next.duration_since(clock.wall()).unwrap();
    assert!((s(7)..=s(14)).contains(&pause), "{pause:?}");
    clock.advance(pause - Duration::from_millis(1));
    assert!(cache.get().await.is_err());
    clock.advance(Duration::from_millis(1));
    assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
    assert_eq!(provider.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn cool_down_shortens_when_entry_expires() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(
            Credential::iam_token("t1.a")
                .unwrap()
                .with_lifetime(s(1000)),
        )
        .fail(ProviderError::permanent("revoked"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.advance(s(800));
    for _ in 0..190 {
        cache.get().await.unwrap();
        tick(&clock, 1).await;
    }
    let while_held = provider.calls();
    assert!(cache.get().await.is_err(), "expired");
    tick(&clock, 120).await;
    assert!(cache.get().await.is_err());
    assert!(
        provider.calls() > while_held,
        "not tried again within 2 min"
    );
}

#[tokio::test(start_paused = true)]
async fn expired_on_arrival_is_error_without_loop() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a").with_lifetime(Duration::ZERO));
    let cache = cache(&provider, &clock);
    for _ in 0..600 {
        let error = cache.get().await.unwrap_err();
        assert!(message(&error).contains("expired on arrival"), "{error}");
        clock.advance(Duration::from_millis(100));
        sleep(Duration::from_millis(100)).await;
    }
    assert!(
        provider.calls() <= 9,
        "{} calls in a minute",
        provider.calls()
    );
    assert_eq!(cache.status().state(), CacheState::Empty);
}

#[tokio::test(start_paused = true)]
async fn short_lifetimes_are_used_to_their_end() {
    let clock = ManualClock::new();
    let provider =
        ScriptedProvider::new().answer(Credential::iam_token("t1.a").unwrap().with_lifetime(s(20)));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.advance(Duration::from_millis(18_999));
    assert!(cache.peek().is_some());
    clock.advance(Duration::from_millis(1));
    assert!(cache.peek().is_none());
    assert_eq!(cache.status().state(), CacheState::Expired);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_one_due_fetch_a_second() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().answer(token("t1.a").with_max_age(Duration::ZERO));
    let cache = cache(&provider, &clock);
    for _ in 0..100 {
        cache.get().await.unwrap();
        clock.advance(Duration::from_millis(100));
        sleep(Duration::from_millis(100)).await;
    }
    assert!(
        (10..=12).contains(&provider.calls()),
        "{} calls in ten seconds",
        provider.calls()
    );
}

#[tokio::test(start_paused = true)]
async fn either_clock_alone_ends_a_credential() {
    for moved in [ManualClock::advance_wall, ManualClock::advance_monotonic] {
        let clock = ManualClock::new();
        let provider = ScriptedProvider::new()
            .answer(token("t1.a"))
            .answer(token("t1.b"));
        let cache = cache(&provider, &clock);
        cache.get().await.unwrap();
        moved(&clock, 13 * HOUR);
        assert!(cache.peek().is_none());
        assert_eq!(text(&cache.get().await.unwrap()), "t1.b");
        assert_eq!(provider.calls(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn wall_clock_set_back_extends_nothing() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.rewind_wall(2 * HOUR);
    assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
    clock.advance(12 * HOUR);
    assert_eq!(cache.status().state(), CacheState::Expired);
    assert_eq!(text(&cache.get().await.unwrap()), "t1.b");
    clock.rewind_wall(Duration::from_secs(
        clock
            .wall()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs()
            + 5,
    ));
    assert!(cache.peek().is_some(), "before 1970");
}

#[tokio::test(start_paused = true)]
async fn panic_of_provider_is_transient_error() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new().panic().answer(token("t1.a"));
    let cache = cache(&provider, &clock);
    let error = cache.get().await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    clock.advance(s(1));
    assert_eq!(text(&cache.get().await.unwrap()), "t1.a");
}

#[test]
fn cache_works_without_runtime() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    assert_eq!(
        text(
            &futures_util::FutureExt::now_or_never(cache.get())
                .unwrap()
                .unwrap()
        ),
        "t1.a"
    );
    clock.advance(HOUR);
    // The due fetch makes progress when the caller is polled, and the caller does not wait for it.
    assert_eq!(
        text(
            &futures_util::FutureExt::now_or_never(cache.get())
                .unwrap()
                .unwrap()
        ),
        "t1.a"
    );
    assert_eq!(
        text(
            &futures_util::FutureExt::now_or_never(cache.get())
                .unwrap()
                .unwrap()
        ),
        "t1.b"
    );
}

#[test]
fn runtime_without_timers_serves_requests() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let provider = |n: Arc<AtomicUsize>| {
        move || {
            n.fetch_add(1, Ordering::Relaxed);
            async { Ok(token("t1.a")) }
        }
    };
    let calls = Arc::new(AtomicUsize::new(0));
    let cache = CredentialCache::new(provider(calls.clone()));
    assert_eq!(text(&runtime.block_on(cache.get()).unwrap()), "t1.a");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn idle_service_is_renewed_ahead_of_time() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    // The first credential is due at random, the second on schedule.
    let first = cache.get().await.unwrap();
    cache.refresh().await.unwrap();
    assert_ne!(text(&first), "t1.b");
    tick(&clock, 3200).await;
    assert_eq!(provider.calls(), 2, "not before nine tenths of an hour");
    tick(&clock, 480).await;
    assert_eq!(provider.calls(), 3);
    assert_eq!(text(&cache.peek().unwrap()), "t1.b");
}

#[tokio::test(start_paused = true)]
async fn idle_service_is_renewed_after_suspend() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    clock.advance_wall(HOUR);
    sleep(s(61)).await;
    assert_eq!(text(&cache.peek().unwrap()), "t1.b");
}

#[tokio::test(start_paused = true)]
async fn idle_service_retries_failed_renewal() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .fail(ProviderError::transient("down"))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    cache.get().await.unwrap();
    // Due within the hour, and tried again after 5 min to 10 min.
    tick(&clock, 4300).await;
    assert!(provider.calls() >= 3);
    assert_eq!(text(&cache.peek().unwrap()), "t1.b");
    assert!(cache.status().last_error().is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_runs_once_the_last_handle_is_gone() {
    let alive = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = alive();
    let witness = Arc::new(());
    for fetching in [false, true] {
        let provided = Arc::clone(&witness);
        let provider = move || {
            let provided = Arc::clone(&provided);
            async move {
                if fetching {
                    std::future::pending::<()>().await;
                }
                drop(provided);
                Ok(token("t1.a"))
            }
        };
        let cache = CredentialCache::new(provider);
        let _ = timeout(s(1), cache.get()).await;
        assert!(alive() > before, "neither fetch nor timer");
        drop(cache);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(alive(), before);
        assert_eq!(Arc::strong_count(&witness), 1, "the provider is kept");
    }
}

#[tokio::test(start_paused = true)]
async fn drops_are_limited_by_age_and_spacing() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"))
        .answer(token("t1.c"));
    let cache = cache(&provider, &clock);
    let first = cache.get().await.unwrap();
    clock.advance(Duration::from_millis(4999));
    assert!(!cache.invalidate(&first), "too young");
    clock.advance(Duration::from_millis(1));
    assert!(!cache.invalidate(&token("t1.other")), "another one");
    assert!(
        !cache.invalidate(&Credential::api_key("a").unwrap()),
        "another scheme"
    );
    assert!(cache.invalidate(&first));
    assert!(!cache.invalidate(&first), "gone already");
    assert_eq!(cache.status().state(), CacheState::Empty);

    let second = cache.get().await.unwrap();
    assert!(
        !cache.invalidate(&first),
        "an old one takes nothing from the new one"
    );
    clock.advance(s(29));
    assert!(!cache.invalidate(&second), "too soon after the last drop");
    clock.advance(s(1));
    assert!(cache.invalidate(&second));
    assert_eq!(text(&cache.get().await.unwrap()), "t1.c");
    assert_eq!(cache.status().generation(), 3);
}

#[tokio::test(start_paused = true)]
async fn static_credential_is_never_dropped() {
    let clock = ManualClock::new();
    let key = Credential::api_key("AQVN1").unwrap();
    let cache = CredentialCache::builder(key.clone())
        .clock(clock.clone())
        .build();
    cache.get().await.unwrap();
    clock.advance(24 * HOUR);
    assert!(!cache.invalidate(&key));
    assert_eq!(cache.status().state(), CacheState::Fresh);
    assert_eq!(cache.status().due_at(), None);
}

#[tokio::test(start_paused = true)]
async fn refresh_fetches_and_ends_cool_down() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .fail(ProviderError::permanent("revoked"))
        .answer(token("t1.b"));
    let cache = cache(&provider, &clock);
    assert_eq!(text(&cache.refresh().await.unwrap()), "t1.a");
    assert_eq!(message(&cache.refresh().await.unwrap_err()), "revoked");
    assert_eq!(
        text(&cache.get().await.unwrap()),
        "t1.a",
        "a failed renewal takes nothing away"
    );
    assert_eq!(text(&cache.refresh().await.unwrap()), "t1.b");
    assert!(cache.status().last_error().is_none());
    assert_eq!(provider.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn status_shows_every_state() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(
            Credential::iam_token("t1.a")
                .unwrap()
                .with_lifetime(s(1000)),
        )
        .fail(ProviderError::transient("down"));
    let cache = cache(&provider, &clock);
    let status = cache.status();
    assert_eq!(
        (status.state(), status.is_ready(), status.generation()),
        (CacheState::Empty, false, 0)
    );
    assert_eq!(
        (status.fetched_at(), status.expires_at(), status.due_at()),
        (None, None, None)
    );

    let fetched_at = clock.wall();
    assert_eq!(
        cache.get().await.unwrap().expires_at(),
        Some(fetched_at + s(1000))
    );
    let status = cache.status();
    assert_eq!(
        (status.state(), status.is_ready(), status.generation()),
        (CacheState::Fresh, true, 1)
    );
    assert_eq!(
        (status.fetched_at(), status.expires_at()),
        (Some(fetched_at), Some(fetched_at + s(1000)))
    );
    let due = status.due_at().unwrap().duration_since(fetched_at).unwrap();
    assert!((s(72)..=s(800)).contains(&due), "{due:?}");

    clock.advance(s(800));
    cache.get().await.unwrap();
    sleep(s(1)).await;
    let status = cache.status();
    assert_eq!(
        (
            status.state(),
            status.is_ready(),
            status.consecutive_failures()
        ),
        (CacheState::Due, true, 1)
    );
    assert!(status.next_attempt_at().unwrap() > clock.wall());

    clock.advance(s(190));
    let status = cache.status();
    assert_eq!(
        (status.state(), status.is_ready()),
        (CacheState::Expired, false)
    );
}

#[tokio::test(start_paused = true)]
async fn absurd_lifetimes_neither_panic_nor_last() {
    for lifetime in [Duration::MAX, s(u64::MAX), s(1), Duration::from_nanos(1)] {
        let clock = ManualClock::new();
        let provider = ScriptedProvider::new().answer(
            Credential::iam_token("t1.a")
                .unwrap()
                .with_lifetime(lifetime),
        );
        let cache = cache(&provider, &clock);
        let _ = cache.get().await;
        clock.advance(2 * HOUR);
        assert_eq!(cache.peek().is_some(), lifetime > 2 * HOUR, "{lifetime:?}");
        let _ = (cache.get().await, cache.status());
    }
}
