//! Requests during failures of IAM, and after them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderValue;
use http::header::LOCATION;
use tonic::Code;
use tower::{Layer, Service, ServiceExt};
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host};
use yandex_cloud_auth::{AuthError, CacheState, Clock, ProviderError};

use crate::support::*;

const HOUR: Duration = Duration::from_secs(3600);

const fn s(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The error of the provider in the error of a request.
fn provider_error(error: &tower::BoxError) -> &ProviderError {
    match error.downcast_ref() {
        Some(AuthError::Provider(error)) => error,
        other => panic!("{other:?}: {error}"),
    }
}

#[tokio::test]
async fn cold_requests_share_one_iam_call() {
    let cloud = FakeCloud::start().await;
    cloud.inject(Host::Iam, Fault::slow(Duration::from_millis(100)));
    let auth = layer(account(&cloud));
    let service = auth.layer(client(true));
    let requests = (0..100).map(|_| {
        service
            .clone()
            .oneshot(request_to("GET", cloud.workflows_url() + LIST))
    });
    for response in futures_util::future::join_all(requests).await {
        assert_eq!(response.unwrap().status(), 200);
    }
    assert_eq!(iam_calls(&cloud), 1);
}

#[tokio::test]
async fn iam_errors_become_grpc_statuses() {
    let cloud = FakeCloud::start().await;
    cloud.inject(Host::Iam, Fault::status(503));
    let auth = layer(account(&cloud));
    let status = list_grpc(&auth, &cloud).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(
        status.message().contains("service account key: ") && status.message().contains(" 503 "),
        "{status:?}"
    );
    let error = list(&auth, &cloud).await.unwrap_err();
    assert!(provider_error(&error).is_transient(), "{error}");

    cloud.heal(Host::Iam);
    let auth = layer(account(&cloud));
    cloud.rotate_service_account_key();
    let status = list_grpc(&auth, &cloud).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    assert!(status.message().contains("was not found"), "{status:?}");
    let error = list(&auth, &cloud).await.unwrap_err();
    assert!(provider_error(&error).is_permanent(), "{error}");

    assert_eq!(
        cloud.count(|request| [Host::Grpc, Host::Workflows].contains(&request.host)),
        0
    );
    assert_eq!(
        iam_calls(&cloud),
        2,
        "one call of each layer: the second request fails fast"
    );
}

#[tokio::test]
async fn retry_after_of_iam_is_honoured() {
    let cloud = FakeCloud::start().await;
    let (auth, clock) = on_one_clock(&cloud);
    cloud.inject(Host::Iam, Fault::status(503).retry_after("7").times(2));
    for calls in 1..=2 {
        list(&auth, &cloud).await.unwrap_err();
        assert_eq!(iam_calls(&cloud), calls);
        let next = auth.cache().status().next_attempt_at().unwrap();
        let pause = next.duration_since(clock.wall()).unwrap();
        assert!((s(7)..=s(14)).contains(&pause), "{pause:?}");
        clock.advance(pause - Duration::from_millis(1));
        list(&auth, &cloud).await.unwrap_err();
        assert_eq!(iam_calls(&cloud), calls, "during the cool-down");
        clock.advance(Duration::from_millis(1));
    }
    assert_eq!(list(&auth, &cloud).await.unwrap(), 200);
}

#[tokio::test]
async fn valid_token_outlasts_iam_outage() {
    let cloud = FakeCloud::start().await;
    let (auth, clock) = on_one_clock(&cloud);
    assert_eq!(list(&auth, &cloud).await.unwrap(), 200);
    let token = auth.cache().peek().unwrap().fingerprint();

    cloud.inject(Host::Iam, Fault::hang_up());
    for failures in 1..=5 {
        clock.advance(HOUR);
        assert_eq!(list(&auth, &cloud).await.unwrap(), 200);
        list_grpc(&auth, &cloud).await.unwrap();
        until("the renewal fails", || {
            auth.cache().status().consecutive_failures() == failures
        })
        .await;
        assert_eq!(list(&auth, &cloud).await.unwrap(), 200);
    }
    assert_eq!(auth.cache().status().state(), CacheState::Due);
    assert_eq!(auth.cache().peek().unwrap().fingerprint(), token);

    clock.advance(7 * HOUR);
    let error = list(&auth, &cloud).await.unwrap_err();
    assert!(
        provider_error(&error).is_transient(),
        "at the expiry: {error}"
    );
    cloud.heal(Host::Iam);
    clock.advance(s(60));
    assert_eq!(
        list(&auth, &cloud).await.unwrap(),
        200,
        "the layer recovers"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn token_rotates_under_load_without_failures() {
    const ROTATIONS: u64 = 6;
    const WORKERS: usize = 8;
    let cloud = Arc::new(FakeCloud::start().await);
    cloud.set_token_lifetime(s(60));
    let (auth, clock) = on_one_clock(&cloud);
    cloud.inject(Host::Iam, Fault::slow(Duration::from_millis(20)));
    let over = Arc::new(AtomicBool::new(false));
    let served: Arc<[AtomicUsize; WORKERS]> = Arc::default();
    let workers: Vec<_> = (0..WORKERS)
        .map(|number| {
            let (auth, cloud, over, served) =
                (auth.clone(), cloud.clone(), over.clone(), served.clone());
            tokio::spawn(async move {
                let mut service = auth.layer(client(number % 2 == 0));
                while !over.load(Ordering::Relaxed) {
                    let request = request_to("GET", cloud.workflows_url() + LIST);
                    assert_eq!(
                        service
                            .ready()
                            .await
                            .unwrap()
                            .call(request)
                            .await
                            .unwrap()
                            .status(),
                        200
                    );
                    list_grpc(&auth, &cloud).await.unwrap();
                    served[number].fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for generation in 1..=ROTATIONS {
        until("a new token is cached", || {
            auth.cache().status().generation() == generation
        })
        .await;
        // Waits for each worker, so that no request lasts longer than one step of the clock.
        let count = |number: usize| served[number].load(Ordering::Relaxed);
        let before: Vec<_> = (0..WORKERS).map(count).collect();
        until("it is used", || {
            (0..WORKERS).all(|number| count(number) >= before[number] + 2)
        })
        .await;
        // The token is due and not expired, which it is at 57 s.
        clock.advance(s(50));
    }
    over.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    let lived = cloud.requests_per_credential();
    assert!(
        lived.len() >= usize::try_from(ROTATIONS).unwrap(),
        "{lived:?}"
    );
    assert!(
        iam_calls(&cloud) <= lived.len() + 1,
        "{} calls for {lived:?}",
        iam_calls(&cloud)
    );
}

#[tokio::test]
async fn redirect_reaches_caller_and_fails_in_iam() {
    let (cloud, elsewhere) = (FakeCloud::start().await, FakeCloud::start().await);
    let location = HeaderValue::try_from(elsewhere.workflows_url() + LIST).unwrap();
    let redirect = |status: u16| Fault::answer(status, "").header(LOCATION, location.clone());
    for status in [301, 302, 303, 307, 308] {
        cloud.inject(Host::Workflows, redirect(status).times(1));
        let auth = layer(account(&cloud));
        assert_eq!(list(&auth, &cloud).await.unwrap(), status);

        cloud.inject(Host::Iam, redirect(status).times(1));
        let error = list(&layer(account(&cloud)), &cloud).await.unwrap_err();
        assert!(
            provider_error(&error)
                .to_string()
                .contains(&status.to_string()),
            "{error}"
        );
    }
    assert_eq!(elsewhere.audit().len(), 0);
}

#[tokio::test]
async fn shared_clock_ends_token_for_both() {
    let cloud = FakeCloud::start().await;
    cloud.set_token_lifetime(s(600));
    let (auth, clock) = on_one_clock(&cloud);
    assert_eq!(list(&auth, &cloud).await.unwrap(), 200);
    let end = auth.cache().status().expires_at().unwrap();
    let left = end.duration_since(clock.wall()).unwrap();
    assert!(left > s(599) && left <= s(600), "{left:?}");
    clock.advance(s(600));
    assert_eq!(list(&auth, &cloud).await.unwrap(), 200);
    assert_eq!(iam_calls(&cloud), 2);
}
