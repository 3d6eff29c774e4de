//! All callers share one fetch, also when some of them are dropped.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{Credential, CredentialCache, CredentialProvider, ProviderError};

use crate::support::{cache, message, s, text};
use crate::token::token;

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

/// Returns a token after this number of polls. Each poll wakes its waker.
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
            .expect("a result for the second caller")
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
fn fetch_of_dropped_runtime_is_replaced() {
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
    // One caller waits already when the runtime shuts down, another one starts later.
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
