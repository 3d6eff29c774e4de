//! A cache without a runtime, and on a runtime without timers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{panic, thread};

use yandex_cloud_auth::CredentialCache;
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};

use crate::support::{HOUR, cache, text};
use crate::token::token;

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
fn runtime_without_timers_panics_once() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let (here, hook) = (thread::current().id(), panic::take_hook());
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == here {
            PANICS.fetch_add(1, Ordering::Relaxed);
        } else {
            hook(info);
        }
    }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let provider = || async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        Ok(token("t1.a"))
    };
    let cache = CredentialCache::new(provider);
    assert_eq!(text(&runtime.block_on(cache.get()).unwrap()), "t1.a");
    assert_eq!(PANICS.load(Ordering::Relaxed), 1);
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
