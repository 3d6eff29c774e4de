//! A rejected credential is dropped, and its request may be replayed.

#[path = "support/token.rs"]
mod token;

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use yandex_cloud_auth::retry::OnUnauthorized;
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{
    AuthLayer, AuthOverride, CacheState, Credential, CredentialCache, CredentialProvider, Decision,
    ProviderError, RequestHead,
};

use crate::token::token;

fn two_tokens() -> ScriptedProvider {
    ScriptedProvider::new()
        .answer(token("t1.old"))
        .answer(token("t1.new"))
}

fn request() -> Request<String> {
    Request::post("/yandex.cloud.serverless.workflows.v1.ExecutionService/Start")
        .body("body".to_owned())
        .unwrap()
}

/// A server that responds to a list of credentials with `rejection`, and records the credentials of
/// all requests.
#[derive(Clone)]
struct Server {
    rejected: Arc<Mutex<Vec<&'static str>>>,
    rejection: fn() -> Response<()>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn rejecting(rejected: &[&'static str], rejection: fn() -> Response<()>) -> Self {
        Self {
            rejected: Arc::new(Mutex::new(rejected.to_vec())),
            rejection,
            seen: Arc::default(),
        }
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    fn client(
        &self,
    ) -> impl Service<Request<String>, Response = Response<()>, Error = Infallible, Future: Send> + Clone
    {
        let server = self.clone();
        tower::service_fn(move |request: Request<String>| {
            assert_eq!(request.body(), "body");
            let value = request.headers()[header::AUTHORIZATION]
                .to_str()
                .unwrap()
                .to_owned();
            let rejected = server
                .rejected
                .lock()
                .unwrap()
                .iter()
                .any(|token| value.ends_with(token));
            server.seen.lock().unwrap().push(value);
            let response = if rejected {
                (server.rejection)()
            } else {
                Response::new(())
            };
            async move { Ok(response) }
        })
    }
}

fn unauthorized() -> Response<()> {
    Response::builder()
        .status(StatusCode::UNAUTHORIZED)
        .body(())
        .unwrap()
}

fn forbidden() -> Response<()> {
    Response::builder()
        .status(StatusCode::FORBIDDEN)
        .body(())
        .unwrap()
}

fn trailers_only(status: &'static str) -> Response<()> {
    Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", status)
        .body(())
        .unwrap()
}

/// A layer with a cached credential that is old enough to be dropped.
async fn warm_layer(provider: impl CredentialProvider) -> (AuthLayer, ManualClock) {
    let clock = ManualClock::new();
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    cache.get().await.unwrap();
    clock.advance(Duration::from_secs(60));
    (AuthLayer::from_cache(cache), clock)
}

#[tokio::test]
async fn only_401_and_16_drop_credential() {
    type Rejection = fn() -> Response<()>;
    let cases: [(Rejection, bool); 5] = [
        (unauthorized, true),
        (|| trailers_only("16"), true),
        (|| trailers_only("7"), false),
        (forbidden, false),
        (|| Response::new(()), false),
    ];
    for (number, (rejection, dropped)) in cases.into_iter().enumerate() {
        let (layer, _) = warm_layer(two_tokens()).await;
        let server = Server::rejecting(&["t1.old"], rejection);
        let mut client = layer.layer(server.client());
        let status = client
            .ready()
            .await
            .unwrap()
            .call(request())
            .await
            .unwrap()
            .status();
        assert_eq!(status, rejection().status(), "the caller gets the response");
        let state = layer.cache().status().state();
        assert_eq!(
            state == CacheState::Empty,
            dropped,
            "case {number}: {state:?}"
        );
    }
}

#[tokio::test]
async fn warm_rejection_drops_credential() {
    let (layer, _) = warm_layer(two_tokens()).await;
    let server = Server::rejecting(&[], unauthorized);
    let mut client = layer.layer(server.client());
    for _ in 0..3 {
        client.ready().await.unwrap().call(request()).await.unwrap();
    }
    server.rejected.lock().unwrap().push("t1.old");
    client.ready().await.unwrap().call(request()).await.unwrap();
    client.ready().await.unwrap().call(request()).await.unwrap();
    assert_eq!(server.seen().last().unwrap(), "Bearer t1.new");
}

#[tokio::test]
async fn thousand_rejections_cost_one_fetch() {
    let provider = two_tokens();
    let (layer, _) = warm_layer(provider.clone()).await;
    let server = Server::rejecting(&["t1.old"], unauthorized);
    let client = layer.layer(server.client());
    let mut futures = Vec::new();
    for _ in 0..1000 {
        let mut client = client.clone();
        futures.push(client.ready().await.unwrap().call(request()));
    }
    for future in futures {
        assert_eq!(future.await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(
        client.oneshot(request()).await.unwrap().status(),
        StatusCode::OK
    );
    assert_eq!(provider.calls(), 2);
}

#[tokio::test]
async fn late_rejection_keeps_next_credential() {
    let (layer, clock) = warm_layer(two_tokens()).await;
    let server = Server::rejecting(&["t1.old"], unauthorized);
    let mut client = layer.layer(server.client());
    let late = client.ready().await.unwrap().call(request());
    layer.cache().refresh().await.unwrap();
    clock.advance(Duration::from_secs(60));
    assert_eq!(late.await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(layer.cache().status().state(), CacheState::Fresh);
}

#[tokio::test]
async fn rejected_principal_costs_few_fetches() {
    let provider = ScriptedProvider::new().answer(token("t1.old"));
    let (layer, clock) = warm_layer(provider.clone()).await;
    let server = Server::rejecting(&["t1.old"], unauthorized);
    let mut client = ServiceBuilder::new()
        .retry(OnUnauthorized::new())
        .layer(layer.clone())
        .service(server.client());
    for _ in 0..60 {
        assert_eq!(
            client
                .ready()
                .await
                .unwrap()
                .call(request())
                .await
                .unwrap()
                .status(),
            StatusCode::UNAUTHORIZED
        );
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(provider.calls(), 3);
}

#[tokio::test]
async fn request_is_replayed_once_with_next_credential() {
    let rejections: [fn() -> Response<()>; 2] = [unauthorized, || trailers_only("16")];
    for rejection in rejections {
        let (layer, _) = warm_layer(two_tokens()).await;
        let server = Server::rejecting(&["t1.old"], rejection);
        let mut client = ServiceBuilder::new()
            .retry(OnUnauthorized::new())
            .layer(layer)
            .service(server.client());
        let response = client.ready().await.unwrap().call(request()).await.unwrap();
        assert!(response.headers().is_empty());
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(server.seen(), ["Bearer t1.old", "Bearer t1.new"]);
    }
}

#[tokio::test]
async fn second_rejection_goes_to_caller() {
    let (layer, _) = warm_layer(two_tokens()).await;
    let server = Server::rejecting(&["t1.old", "t1.new"], unauthorized);
    let mut client = ServiceBuilder::new()
        .retry(OnUnauthorized::new())
        .layer(layer)
        .service(server.client());
    let response = client.ready().await.unwrap().call(request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(server.seen(), ["Bearer t1.old", "Bearer t1.new"]);
}

#[tokio::test]
async fn credential_replaced_again_causes_no_second_replay() {
    let (layer, _) = warm_layer(two_tokens()).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let (counted, cache) = (Arc::clone(&calls), layer.cache().clone());
    // Another caller replaces the credential during each request.
    let server = tower::service_fn(move |_: Request<String>| {
        let (call, cache) = (counted.fetch_add(1, Ordering::Relaxed), cache.clone());
        async move {
            cache.refresh().await.unwrap();
            Ok::<_, Infallible>(if call < 3 {
                unauthorized()
            } else {
                Response::new(())
            })
        }
    });
    let mut client = ServiceBuilder::new()
        .retry(OnUnauthorized::new())
        .layer(layer)
        .service(server);
    let response = client.ready().await.unwrap().call(request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn unchanged_request_is_not_replayed() {
    let server = Server::rejecting(&["t1.old", "AQVN1"], unauthorized);
    let once = async |layer: AuthLayer, request: Request<String>| {
        let mut client = ServiceBuilder::new()
            .retry(OnUnauthorized::new())
            .layer(layer)
            .service(server.client());
        client.ready().await.unwrap().call(request).await.unwrap();
        server.seen().len()
    };
    let (static_key, _) = warm_layer(Credential::api_key("AQVN1").unwrap()).await;
    static_key.cache().refresh().await.unwrap();
    assert_eq!(once(static_key, request()).await, 1, "a static credential");

    let young = AuthLayer::new(two_tokens());
    assert_eq!(once(young, request()).await, 1, "too young to be dropped");

    let (layer, _) = warm_layer(two_tokens()).await;
    let mut used = request();
    used.extensions_mut()
        .insert(AuthOverride::Use(token("t1.old")));
    assert_eq!(
        once(layer.clone(), used).await,
        1,
        "not the cached credential"
    );
    assert_eq!(layer.cache().status().state(), CacheState::Fresh);

    let forbidding = Server::rejecting(&["t1.old"], forbidden);
    let mut client = ServiceBuilder::new()
        .retry(OnUnauthorized::new())
        .layer(layer)
        .service(forbidding.client());
    client.ready().await.unwrap().call(request()).await.unwrap();
    assert_eq!(forbidding.seen().len(), 1, "a 403");
}

#[tokio::test]
async fn rejected_anonymous_request_drops_nothing() {
    let clock = ManualClock::new();
    let cache = CredentialCache::builder(two_tokens())
        .clock(clock.clone())
        .build();
    let layer = AuthLayer::from_cache(cache)
        .with_policy(|_: &RequestHead<'_>, _: &Credential| Decision::Skip);
    let mut client = layer.layer(tower::service_fn(|request: Request<String>| {
        // Longer than the limits on drops.
        clock.advance(Duration::from_secs(60));
        assert!(!request.headers().contains_key(header::AUTHORIZATION));
        std::future::ready(Ok::<_, Infallible>(unauthorized()))
    }));
    for _ in 0..4 {
        client.ready().await.unwrap().call(request()).await.unwrap();
        assert_eq!(layer.cache().status().state(), CacheState::Fresh);
    }
}

#[test]
fn dropped_credential_stays_dropped_when_clock_moves() {
    let block_on = |future: std::pin::Pin<Box<dyn Future<Output = Option<StatusCode>>>>| {
        futures_util::FutureExt::now_or_never(future).expect("a future that is ready")
    };
    let clock = ManualClock::new();
    let provider = ScriptedProvider::new()
        .answer(token("t1.old"))
        .fail(ProviderError::transient("down"));
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    let server = Server::rejecting(&[], unauthorized);
    let mut client = AuthLayer::from_cache(cache).layer(server.client());
    let mut send = || {
        let response = client.call(request());
        block_on(Box::pin(async {
            response.await.ok().map(|response| response.status())
        }))
    };
    for _ in 0..3 {
        assert_eq!(send(), Some(StatusCode::OK));
    }
    clock.advance(Duration::from_secs(60));
    server.rejected.lock().unwrap().push("t1.old");
    assert_eq!(send(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(send(), None, "nothing is cached");
    clock.rewind_wall(Duration::from_secs(1));
    server.seen();
    assert_eq!(send(), None, "nothing is cached");
    assert_eq!(server.seen(), [""; 0]);
}

#[tokio::test]
async fn rejection_of_first_request_drops_credential() {
    let clock = ManualClock::new();
    let cache = CredentialCache::builder(two_tokens())
        .clock(clock.clone())
        .build();
    let layer = AuthLayer::from_cache(cache);
    let mut client = layer.layer(tower::service_fn(|_: Request<String>| {
        clock.advance(Duration::from_secs(60));
        std::future::ready(Ok::<_, Infallible>(unauthorized()))
    }));
    client.ready().await.unwrap().call(request()).await.unwrap();
    assert_eq!(layer.cache().status().state(), CacheState::Empty);
}

#[tokio::test]
async fn two_rejected_requests_are_both_replayed() {
    let (layer, _) = warm_layer(two_tokens()).await;
    let server = Server::rejecting(&["t1.old"], unauthorized);
    let client = ServiceBuilder::new()
        .retry(OnUnauthorized::new())
        .layer(layer)
        .service(server.client());
    let (mut one, mut other) = (client.clone(), client);
    let (one, other) = (
        one.ready().await.unwrap().call(request()),
        other.ready().await.unwrap().call(request()),
    );
    assert_eq!(one.await.unwrap().status(), StatusCode::OK);
    assert_eq!(other.await.unwrap().status(), StatusCode::OK);
    assert_eq!(
        server.seen(),
        [
            "Bearer t1.old",
            "Bearer t1.old",
            "Bearer t1.new",
            "Bearer t1.new"
        ]
    );
}

#[tokio::test]
async fn inner_layers_denial_drops_nothing() {
    let (layer, _) = warm_layer(two_tokens()).await;
    let below =
        AuthLayer::new(ScriptedProvider::new().fail(ProviderError::permanent("no key"))).grpc();
    let server = Server::rejecting(&[], unauthorized);
    let mut client = layer.layer(below.layer(server.client()));
    let response = client.ready().await.unwrap().call(request()).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "16");
    assert_eq!(layer.cache().status().state(), CacheState::Fresh);
}

#[tokio::test]
async fn rejection_after_last_handle_passes() {
    let (layer, _) = warm_layer(two_tokens()).await;
    let server = Server::rejecting(&["t1.old"], unauthorized);
    let mut client = layer.layer(server.client());
    let response = client.ready().await.unwrap().call(request());
    drop((client, layer));
    assert_eq!(response.await.unwrap().status(), StatusCode::UNAUTHORIZED);
}
