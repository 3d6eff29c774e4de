//! The contract of `tower::Service`: readiness, calls, and waits for a credential.

#[path = "support/token.rs"]
mod token;

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, header};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock;
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{
    AuthError, AuthLayer, AuthOverride, Credential, CredentialCache, Decision, Denial, Policy,
    ProviderError, RequestHead, Unrestricted,
};

use crate::token::token;

fn request() -> Request<()> {
    Request::get("https://serverless-workflows.api.cloud.yandex.net/workflows/v1/execution")
        .body(())
        .unwrap()
}

fn authorization<B>(request: &Request<B>) -> Vec<&str> {
    request
        .headers()
        .get_all(header::AUTHORIZATION)
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect()
}

/// A client that must be polled ready before each call, and panics otherwise.
#[derive(Default)]
struct Strict {
    ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request<()>> for Strict {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        assert!(self.ready, "called before it was ready");
        self.ready = false;
        ready(Ok(Response::new(authorization(&request).concat())))
    }
}

#[tokio::test(start_paused = true)]
async fn inner_service_is_never_called_unready() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .after(Duration::from_secs(1))
        .answer(token("t1.a"));
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    let mut service = AuthLayer::from_cache(cache).layer(Strict::default());
    for round in 0..6 {
        // A miss, a hit with the shared value, a hit with the local copy, an expired credential.
        if round == 4 {
            clock.advance(Duration::from_secs(50_000));
        }
        let response = service
            .ready()
            .await
            .unwrap()
            .call(request())
            .await
            .unwrap();
        assert_eq!(response.body(), "Bearer t1.a");
        let response = service.clone().oneshot(request()).await.unwrap();
        assert_eq!(response.body(), "Bearer t1.a");
    }
}

#[tokio::test]
async fn readiness_comes_from_inner_service() {
    let provider = ScriptedProvider::new().hang();
    let (mut service, mut handle) =
        mock::spawn_layer::<Request<()>, Response<()>, _>(AuthLayer::new(provider.clone()));
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    assert_ready_ok!(service.poll_ready());
    assert_eq!(provider.calls(), 0, "readiness starts no fetch");
    handle.send_error("broken");
    assert_eq!(
        assert_ready_err!(service.poll_ready()).to_string(),
        "broken"
    );
}

#[tokio::test]
async fn request_waits_in_future_during_fetch() {
    let (mut service, mut handle) = mock::spawn_layer::<Request<()>, Response<()>, _>(
        AuthLayer::new(ScriptedProvider::new().hang()),
    );
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut response = task::spawn(service.call(request()));
    assert_pending!(response.poll());
    assert_pending!(task::spawn(handle.next_request()).poll());
}

#[tokio::test]
async fn unpolled_future_fetches_nothing() {
    let provider = ScriptedProvider::new().answer(token("t1.a"));
    let (mut service, _handle) =
        mock::spawn_layer::<Request<()>, Response<()>, _>(AuthLayer::new(provider.clone()));
    assert_ready_ok!(service.poll_ready());
    drop(service.call(request()));
    tokio::task::yield_now().await;
    assert_eq!(provider.calls(), 0);
}

/// Sends `requests` through `layer` and returns the values of `Authorization` at the client.
async fn sent<K: Policy + Clone>(
    layer: &AuthLayer<K>,
    requests: Vec<Request<()>>,
) -> Vec<Result<Vec<String>, String>> {
    let client = tower::service_fn(|request: Request<()>| async move {
        let seen = authorization(&request)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        Ok::<_, Infallible>(Response::new(seen))
    });
    let mut service = layer.layer(client);
    let mut results = Vec::new();
    for request in requests {
        let result = service.ready().await.unwrap().call(request).await;
        results.push(
            result
                .map(Response::into_body)
                .map_err(|error| error.to_string()),
        );
    }
    results
}

#[tokio::test]
async fn header_is_one_value() {
    let with_header = |count: usize| {
        let mut request = request();
        for number in 0..count {
            request.headers_mut().append(
                header::AUTHORIZATION,
                format!("Basic {number}").parse().unwrap(),
            );
        }
        request
    };
    let layer = AuthLayer::new(token("t1.a"));
    let results = sent(&layer, (0..4).map(with_header).collect()).await;
    assert_eq!(results, vec![Ok(vec!["Bearer t1.a".to_owned()]); 4]);
}

#[tokio::test]
async fn warm_service_sends_new_credential_at_once() {
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(token("t1.b"));
    let layer = AuthLayer::new(provider);
    let client = tower::service_fn(|request: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(
            authorization(&request).concat(),
        )))
    });
    let mut service = layer.layer(client);
    let mut other = service.clone();
    for round in ["Bearer t1.a", "Bearer t1.b"] {
        for _ in 0..4 {
            for service in [&mut service, &mut other] {
                assert_eq!(
                    service
                        .ready()
                        .await
                        .unwrap()
                        .call(request())
                        .await
                        .unwrap()
                        .body(),
                    round
                );
            }
        }
        layer.cache().refresh().await.unwrap();
    }
}

#[tokio::test]
async fn override_does_not_use_cache() {
    let provider = ScriptedProvider::new().hang();
    let layer = AuthLayer::new(provider.clone());
    let with = |exception: AuthOverride| {
        let mut request = request();
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, "Basic old".parse().unwrap());
        request.extensions_mut().insert(exception);
        request
    };
    let key = Credential::api_key("AQVN1").unwrap();
    let mut foreign = with(AuthOverride::Use(key.clone()));
    *foreign.uri_mut() = "https://evil.example/".parse().unwrap();
    let mut foreign_anonymous = with(AuthOverride::Anonymous);
    *foreign_anonymous.uri_mut() = "https://evil.example/".parse().unwrap();
    let requests = vec![
        with(AuthOverride::Anonymous),
        with(AuthOverride::Use(key)),
        foreign_anonymous,
        foreign,
    ];
    let results = sent(&layer, requests).await;
    assert_eq!(results[0], Ok(vec![]), "a header of the caller is removed");
    assert_eq!(results[1], Ok(vec!["Api-Key AQVN1".to_owned()]));
    assert_eq!(results[2], Ok(vec![]), "the policy is skipped");
    assert!(results[3].is_err(), "the policy applies");
    assert_eq!(provider.calls(), 0);
}

/// Skips or denies by path, in `precheck` or in `decide`.
#[derive(Clone)]
struct ByPath;

impl Policy for ByPath {
    fn decide(&self, request: &RequestHead<'_>, _: &Credential) -> Decision {
        match request.uri.path() {
            "/deny" => Decision::Deny(Denial::new("late", request)),
            "/skip" => Decision::Skip,
            _ => Decision::Attach,
        }
    }

    fn precheck(&self, request: &RequestHead<'_>) -> Option<Decision> {
        match request.uri.path() {
            "/early-deny" => Some(Decision::Deny(Denial::new("early", request))),
            "/early-skip" => Some(Decision::Skip),
            _ => None,
        }
    }
}

fn at(path: &str) -> Request<()> {
    Request::get(path)
        .header(header::AUTHORIZATION, "Basic old")
        .body(())
        .unwrap()
}

#[tokio::test]
async fn denied_or_skipped_request_starts_no_fetch() {
    let provider = ScriptedProvider::new().hang();
    let layer = AuthLayer::new(provider.clone()).with_policy(ByPath);
    let results = sent(&layer, vec![at("/early-deny"), at("/early-skip")]).await;
    assert_eq!(
        results,
        [
            Err("early: GET /early-deny was not sent".to_owned()),
            Ok(vec![])
        ]
    );
    assert_eq!(provider.calls(), 0);

    let foreign = AuthLayer::new(provider.clone());
    for uri in [
        "https://evil.example/",
        "http://serverless-workflows.api.cloud.yandex.net/",
    ] {
        let request = Request::get(uri).body(()).unwrap();
        assert!(sent(&foreign, vec![request]).await[0].is_err(), "{uri}");
    }
    assert_eq!(provider.calls(), 0);
}

#[tokio::test]
async fn skip_and_deny_apply_cold_and_warm() {
    let layer = AuthLayer::new(token("t1.a")).with_policy(ByPath);
    for _ in 0..3 {
        let results = sent(
            &layer,
            vec![
                at("/deny"),
                at("/skip"),
                at("/"),
                at("/"),
                at("/skip"),
                at("/deny"),
            ],
        )
        .await;
        let (deny, skip) = (Err("late: GET /deny was not sent".to_owned()), Ok(vec![]));
        let attach = Ok(vec!["Bearer t1.a".to_owned()]);
        assert_eq!(
            results,
            [
                deny.clone(),
                skip.clone(),
                attach.clone(),
                attach,
                skip,
                deny
            ]
        );
    }
}

#[tokio::test]
async fn own_error_is_distinct_from_clients() {
    let (client, mut handle) = mock::pair::<Request<()>, Response<()>>();
    let mut service = AuthLayer::new(Credential::api_key("AQVN1").unwrap()).layer(client);
    handle.allow(1);
    let denied =
        Request::get("https://serverless-workflows.api.cloud.yandex.net/workflows/v1/workflow")
            .body(());
    let error = service
        .ready()
        .await
        .unwrap()
        .call(denied.unwrap())
        .await
        .unwrap_err();
    assert!(
        matches!(error.downcast_ref(), Some(AuthError::Denied(_))),
        "{error}"
    );

    let provider = ScriptedProvider::new().fail(ProviderError::transient("down"));
    let client =
        tower::service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
    let mut service = AuthLayer::new(provider).layer(client);
    let error = service
        .ready()
        .await
        .unwrap()
        .call(request())
        .await
        .unwrap_err();
    assert!(
        matches!(error.downcast_ref(), Some(AuthError::Provider(error)) if error.is_transient()),
        "{error}"
    );
}

#[tokio::test]
async fn method_version_body_and_extensions_pass_untouched() {
    #[derive(Clone, Debug, PartialEq)]
    struct Mark(u8);
    let client = tower::service_fn(|request: Request<Vec<u8>>| async move {
        let (mut parts, body) = request.into_parts();
        assert!(
            parts
                .headers
                .remove(header::AUTHORIZATION)
                .unwrap()
                .is_sensitive()
        );
        assert_eq!(parts.method, "PATCH");
        assert_eq!(parts.version, http::Version::HTTP_2);
        assert_eq!(parts.headers.len(), 1);
        assert_eq!(parts.extensions.get(), Some(&Mark(7)));
        assert_eq!(body, b"body");
        Ok::<_, Infallible>(Response::new(()))
    });
    let mut service = AuthLayer::new(token("t1.a"))
        .with_policy(Unrestricted)
        .layer(client);
    for _ in 0..3 {
        let request = Request::patch("/x")
            .version(http::Version::HTTP_2)
            .header("x-other", "1")
            .extension(Mark(7))
            .body(b"body".to_vec())
            .unwrap();
        service.ready().await.unwrap().call(request).await.unwrap();
    }
}

#[test]
fn request_polls_due_fetch_without_runtime() {
    let clock = ManualClock::new();
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let provider = {
        let calls = calls.clone();
        move || {
            let number = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            async move {
                yields(1).await;
                Ok(token(&format!("t1.{number}")))
            }
        }
    };
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    let (client, mut handle) = mock::pair::<Request<()>, Response<()>>();
    let mut service = mock::Spawn::new(AuthLayer::from_cache(cache.clone()).layer(client));
    let mut next = move || {
        let mut next = task::spawn(handle.next_request());
        let (request, respond) = assert_ready!(next.poll()).expect("a request");
        (authorization(&request).concat(), respond)
    };

    assert_ready_ok!(service.poll_ready());
    let mut first = task::spawn(service.call(request()));
    assert_pending!(first.poll());
    assert_pending!(first.poll());
    let (sent, respond) = next();
    assert_eq!(sent, "Bearer t1.0");
    respond.send_response(Response::new(()));
    assert_ready_ok!(first.poll());

    clock.advance(Duration::from_secs(3600));
    assert_ready_ok!(service.poll_ready());
    let mut second = task::spawn(service.call(request()));
    assert_pending!(second.poll());
    let (sent, respond) = next();
    assert_eq!(sent, "Bearer t1.0", "the request does not wait");
    assert_eq!(cache.status().generation(), 1);
    assert_pending!(second.poll());
    assert_eq!(
        cache.status().generation(),
        2,
        "the request also polls the fetch"
    );
    respond.send_response(Response::new(()));
    assert_ready_ok!(second.poll());

    assert_ready_ok!(service.poll_ready());
    let _third = service.call(request());
    assert_eq!(next().0, "Bearer t1.1");
}

/// Is pending for this number of polls, and wakes its waker each time.
async fn yields(polls: usize) {
    let mut left = polls;
    std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        match left.checked_sub(1) {
            Some(fewer) => {
                left = fewer;
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    })
    .await;
}

#[test]
fn due_fetch_continues_during_later_requests() {
    let clock = ManualClock::new();
    let provider = || async {
        yields(3).await;
        Ok(token("t1.a"))
    };
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    let client = tower::service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(()))));
    let mut service = AuthLayer::from_cache(cache.clone()).layer(client);
    let mut serve = || {
        let mut response = task::spawn(service.call(request()));
        (0..10)
            .find(|_| response.poll().is_ready())
            .expect("a response")
    };
    serve();
    clock.advance(Duration::from_secs(3600));
    let mut requests = 0;
    while cache.status().generation() < 2 {
        assert_eq!(serve(), 0, "no request waits");
        requests += 1;
        assert!(requests < 10, "no request polls the fetch");
    }
    assert_eq!(requests, 4);
}

#[tokio::test(start_paused = true)]
async fn monotonic_expiry_ends_warm_path() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .fail(ProviderError::transient("down"));
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    let layer = AuthLayer::from_cache(cache);
    let client = tower::service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(()))));
    let mut service = layer.layer(client);
    for _ in 0..3 {
        service
            .ready()
            .await
            .unwrap()
            .call(request())
            .await
            .unwrap();
    }
    clock.rewind_wall(Duration::from_secs(86_400));
    clock.advance_monotonic(Duration::from_secs(43_200));
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(
        service
            .ready()
            .await
            .unwrap()
            .call(request())
            .await
            .is_err()
    );
}

#[test]
fn services_and_futures_are_send() {
    fn send_clone<T: Send + Clone + 'static>(value: T) -> T {
        value
    }
    fn send<T: Send>(_: T) {}
    let (client, _handle) = mock::pair::<Request<()>, Response<()>>();
    let layer = send_clone(AuthLayer::new(token("t1.a")));
    let mut service = send_clone(layer.layer(client));
    let _ =
        assert_ready!(task::spawn(service.ready()).poll()).map(|ready| send(ready.call(request())));
    let not_send = tower::service_fn(|_: Request<()>| async {
        let local = std::rc::Rc::new(());
        tokio::task::yield_now().await;
        drop(local);
        Ok::<_, Infallible>(Response::new(()))
    });
    let local = layer.layer(not_send);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert!(runtime.block_on(local.oneshot(request())).is_ok());
}

type Handle = mock::Handle<Request<()>, Response<()>>;

/// The request that reaches the inner service. The clock of the test is paused.
async fn next(handle: &mut Handle) -> (Request<()>, mock::SendResponse<Response<()>>) {
    let next = tokio::time::timeout(Duration::from_secs(1), handle.next_request());
    next.await.expect("no request was sent").unwrap()
}

/// The inner service may be unready for longer than a token lives.
#[tokio::test(start_paused = true)]
async fn credential_is_taken_after_readiness() {
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.a").with_lifetime(Duration::from_secs(40)))
        .answer(token("t1.b"));
    let cache = CredentialCache::builder(provider.clone())
        .clock(clock.clone())
        .build();
    cache.get().await.unwrap();
    let (mut service, mut handle) =
        mock::spawn_layer::<Request<()>, Response<()>, _>(AuthLayer::from_cache(cache.clone()));
    handle.allow(0);
    assert_pending!(service.poll_ready());
    clock.advance(Duration::from_secs(60));
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    assert_eq!(provider.calls(), 1);

    let response = tokio::spawn(service.call(request()));
    let (sent, respond) = next(&mut handle).await;
    assert_eq!(authorization(&sent), ["Bearer t1.b"]);
    respond.send_response(Response::new(()));
    response.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn dropped_request_leaves_fetch_to_others() {
    let provider = ScriptedProvider::new()
        .after(Duration::from_secs(3))
        .answer(token("t1.a"));
    let layer = AuthLayer::new(provider.clone());
    let client = tower::service_fn(|request: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(
            authorization(&request).concat(),
        )))
    });
    for _ in 0..10 {
        let dropped = layer.layer(client).oneshot(request());
        let elapsed = tokio::time::timeout(Duration::from_millis(100), dropped).await;
        assert!(elapsed.is_err());
    }
    let response = layer.layer(client).oneshot(request()).await.unwrap();
    assert_eq!(response.body(), "Bearer t1.a");
    assert_eq!(provider.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn request_is_sent_once_under_spurious_polls() {
    let provider = ScriptedProvider::new().answer(token("t1.a"));
    let (mut service, mut handle) =
        mock::spawn_layer::<Request<()>, Response<()>, _>(AuthLayer::new(provider));
    // The first request waits for the fetch. The second one is sent at once.
    for _ in 0..2 {
        handle.allow(1);
        assert_ready_ok!(service.poll_ready());
        let mut response = task::spawn(service.call(request()));
        for _ in 0..5 {
            assert_pending!(response.poll());
            tokio::task::yield_now().await;
        }
        let (sent, respond) = next(&mut handle).await;
        assert_eq!(authorization(&sent), ["Bearer t1.a"]);
        assert_pending!(response.poll());
        assert_pending!(task::spawn(handle.next_request()).poll());
        respond.send_response(Response::new(()));
        assert_ready_ok!(response.poll());
    }
}

/// Runs the future in a task, and asserts that it panics.
async fn assert_panics<F: Future<Output: Send + 'static> + Send + 'static>(future: F) {
    let outcome = tokio::spawn(future).await;
    assert!(outcome.err().is_some_and(|error| error.is_panic()));
}

#[tokio::test]
async fn future_polled_after_refusal_panics() {
    let service = AuthLayer::new(token("t1.a")).layer(Strict::default());
    let foreign = Request::get("https://evil.example/").body(()).unwrap();
    assert_panics(async move {
        let mut service = service;
        let mut response = task::spawn(service.ready().await.unwrap().call(foreign));
        assert!(response.poll().is_ready());
        let _ = response.poll();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn panic_of_policy_sends_nothing() {
    #[derive(Clone)]
    struct Panics;
    impl Policy for Panics {
        fn decide(&self, request: &RequestHead<'_>, _: &Credential) -> Decision {
            assert_eq!(request.uri.path(), "/workflows/v1/execution", "planted");
            Decision::Attach
        }
    }
    let provider = ScriptedProvider::new().answer(token("t1.a"));
    let layer = AuthLayer::new(provider.clone()).with_policy(Panics);
    let (client, mut handle) = mock::pair::<Request<()>, Response<()>>();
    let service = layer.layer(client);
    // While the request waits, with the shared entry, and with the local copy.
    for _ in 0..3 {
        handle.allow(2);
        assert_panics(service.clone().oneshot(at("/planted"))).await;
        let response = tokio::spawn(service.clone().oneshot(request()));
        let (sent, respond) = next(&mut handle).await;
        assert_eq!(sent.uri().path(), "/workflows/v1/execution");
        respond.send_response(Response::new(()));
        response.await.unwrap().unwrap();
    }
    assert_eq!(provider.calls(), 1);
}

#[tokio::test]
async fn panic_of_inner_service_poisons_nothing() {
    let provider = ScriptedProvider::new().answer(token("t1.a"));
    let layer = AuthLayer::new(provider.clone());
    let client = tower::service_fn(|request: Request<()>| {
        assert_ne!(request.method(), "PUT", "planted");
        async move {
            assert_ne!(request.method(), "PATCH", "planted");
            Ok::<_, Infallible>(Response::new(authorization(&request).concat()))
        }
    });
    let service = layer.layer(client);
    for method in ["PUT", "PATCH"] {
        for _ in 0..2 {
            let mut planted = request();
            *planted.method_mut() = method.parse().unwrap();
            assert_panics(service.clone().oneshot(planted)).await;
            let response = service.clone().oneshot(request()).await.unwrap();
            assert_eq!(response.body(), "Bearer t1.a");
        }
    }
    assert_eq!(provider.calls(), 1);
}
