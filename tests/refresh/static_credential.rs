//! A static credential is cached from the start and fetched once.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use tower::{Layer, Service};
use yandex_cloud_auth::testing::ManualClock;
use yandex_cloud_auth::{
    AuthLayer, CacheState, Chain, Clock, Credential, CredentialCache, CredentialProvider,
    ProviderError,
};

const MINUTE: Duration = Duration::from_secs(60);

fn key() -> Credential {
    Credential::api_key("AQVNkey").unwrap()
}

fn token_without_expiry() -> Credential {
    Credential::iam_token("t1.token").unwrap()
}

fn cache(provider: impl CredentialProvider, clock: &ManualClock) -> CredentialCache {
    CredentialCache::builder(provider)
        .clock(clock.clone())
        .build()
}

/// A static provider that counts its fetches.
struct Counted(Credential, Arc<AtomicUsize>);

impl CredentialProvider for Counted {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(self.0.clone())
    }

    fn is_static(&self) -> bool {
        true
    }
}

fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn assert_ready(cache: &CredentialCache) {
    assert!(cache.status().is_ready());
    assert_eq!(cache.status().generation(), 1);
    assert!(cache.peek().is_some());
    let client =
        tower::service_fn(|_: Request<()>| async { Ok::<_, std::io::Error>(Response::new(())) });
    let mut service = AuthLayer::from_cache(cache.clone()).layer(client);
    let request = Request::get("/workflows/v1/execution").body(()).unwrap();
    assert!(now(service.call(request)).expect("a first poll").is_ok());
}

#[test]
fn static_credential_is_ready_without_runtime() {
    assert_ready(&CredentialCache::new(key()));
    assert_ready(&CredentialCache::new(Arc::new(key())));
    assert_ready(&CredentialCache::new(Chain::new().or(key())));
}

#[tokio::test]
async fn static_credential_is_ready_on_runtime() {
    assert_ready(&CredentialCache::new(key()));
}

#[test]
fn static_provider_that_waits_is_fetched_from() {
    struct NotReady;
    impl CredentialProvider for NotReady {
        async fn fetch(&self) -> Result<Credential, ProviderError> {
            tokio::task::yield_now().await;
            Ok(key())
        }
        fn is_static(&self) -> bool {
            true
        }
    }
    let cache = CredentialCache::new(NotReady);
    assert_eq!(cache.status().state(), CacheState::Empty);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert!(runtime.block_on(cache.get()).is_ok());
    assert!(cache.status().is_ready());
}

#[tokio::test(start_paused = true)]
async fn expired_static_credential_is_permanent_error() {
    let start = ManualClock::new();
    for (credential, noun) in [
        (token_without_expiry().with_lifetime(MINUTE), "IAM token"),
        (key().with_lifetime(MINUTE), "API key"),
        (
            token_without_expiry().with_expiry(start.wall() + MINUTE),
            "IAM token",
        ),
    ] {
        let clock = ManualClock::new();
        let calls = Arc::new(AtomicUsize::new(0));
        let cache = cache(Counted(credential, Arc::clone(&calls)), &clock);
        clock.advance(MINUTE - Duration::from_secs(1));
        assert!(cache.get().await.is_ok() && cache.refresh().await.is_ok());
        clock.advance(Duration::from_secs(6));
        for _ in 0..3 {
            for error in [
                cache.get().await.unwrap_err(),
                cache.refresh().await.unwrap_err(),
            ] {
                assert!(error.is_permanent());
                let text = error.to_string();
                assert!(text.starts_with(&format!("the {noun} expired")), "{text}");
                assert!(text.contains("provide a new one"), "{text}");
            }
            clock.advance(MINUTE);
        }
        assert_eq!(calls.load(Ordering::Relaxed), 1, "one fetch in total");
        assert_eq!(cache.status().state(), CacheState::Expired);
        let error = cache.status().last_error().unwrap().to_string();
        assert!(error.contains("expired"), "{error}");
    }
}

#[tokio::test]
async fn rejected_static_credential_shows_in_status() {
    let clock = ManualClock::new();
    let cache = cache(key(), &clock);
    assert_eq!(cache.status().last_rejected_at(), None);
    for rejections in 1..=3 {
        clock.advance(MINUTE);
        let rejected_at = clock.wall();
        assert!(
            !cache.invalidate(&key()),
            "a static credential is never dropped"
        );
        assert_eq!(cache.status().rejections(), rejections);
        assert_eq!(cache.status().last_rejected_at(), Some(rejected_at));
        assert!(cache.status().is_ready());
    }
    assert!(!cache.invalidate(&token_without_expiry()));
    assert_eq!(cache.status().rejections(), 3, "another credential's");
}

#[test]
fn warm_service_stops_at_instant_of_expiry() {
    let clock = ManualClock::new();
    let token = token_without_expiry().with_lifetime(MINUTE);
    let client =
        tower::service_fn(|_: Request<()>| async { Ok::<_, std::io::Error>(Response::new(())) });
    let mut service = AuthLayer::from_cache(cache(token, &clock)).layer(client);
    let mut send = || now(service.call(Request::new(()))).expect("a response");
    for _ in 0..3 {
        send().unwrap();
    }
    clock.advance(MINUTE - Duration::from_nanos(1));
    send().unwrap();
    clock.advance(Duration::from_nanos(1));
    assert!(send().is_err());
}
