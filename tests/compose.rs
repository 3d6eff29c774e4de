//! The layer inside and outside of tower's other layers.

#[path = "support/token.rs"]
mod token;

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::timeout::TimeoutLayer;
use tower::util::{BoxCloneSyncService, BoxService};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use yandex_cloud_auth::testing::ScriptedProvider;
use yandex_cloud_auth::{AuthLayer, Credential};

use crate::token::token;

fn slow_token() -> ScriptedProvider {
    ScriptedProvider::new()
        .after(Duration::from_secs(2))
        .answer(token("t1.a"))
}

fn request() -> Request<String> {
    Request::get("https://serverless-workflows.api.cloud.yandex.net/workflows/v1/execution")
        .body(String::new())
        .unwrap()
}

async fn respond(request: Request<String>) -> Result<Response<String>, Infallible> {
    tokio::time::sleep(Duration::from_millis(10)).await;
    Ok(Response::new(
        request.headers()[header::AUTHORIZATION]
            .to_str()
            .unwrap()
            .to_owned(),
    ))
}

async fn assert_serves<S>(mut client: S)
where
    S: Service<Request<String>, Response = Response<String>, Error: Into<BoxError>>,
{
    for _ in 0..4 {
        let ready = client.ready().await.map_err(Into::into).expect("ready");
        let response = ready
            .call(request())
            .await
            .map_err(Into::into)
            .expect("a response");
        assert_eq!(response.body(), "Bearer t1.a");
    }
}

#[tokio::test(start_paused = true)]
async fn layer_serves_under_every_middleware() {
    let auth = AuthLayer::new(slow_token());
    let client = || tower::service_fn(respond);
    let inner = || ServiceBuilder::new().layer(auth.clone()).service(client());
    assert_serves(
        ServiceBuilder::new()
            .timeout(Duration::from_secs(10))
            .service(inner()),
    )
    .await;
    assert_serves(ServiceBuilder::new().buffer(4).service(inner())).await;
    assert_serves(ServiceBuilder::new().concurrency_limit(1).service(inner())).await;
    assert_serves(ServiceBuilder::new().load_shed().service(inner())).await;
    assert_serves(BoxCloneSyncService::new(inner())).await;
    assert_serves(BoxService::new(inner())).await;
}

#[tokio::test(start_paused = true)]
async fn layer_serves_over_every_middleware() {
    let auth = AuthLayer::new(slow_token());
    let outer = || ServiceBuilder::new().layer(auth.clone());
    let client = || tower::service_fn(respond);
    assert_serves(
        outer()
            .layer(TimeoutLayer::new(Duration::from_secs(1)))
            .service(client()),
    )
    .await;
    assert_serves(outer().buffer(4).service(client())).await;
    assert_serves(
        outer()
            .layer(ConcurrencyLimitLayer::new(1))
            .service(client()),
    )
    .await;
    assert_serves(outer().layer(LoadShedLayer::new()).service(client())).await;
    assert_serves(outer().service(BoxCloneSyncService::new(client()))).await;
    assert_serves(outer().layer(auth.clone()).service(client())).await;
}

#[tokio::test(start_paused = true)]
async fn outer_timeout_covers_wait_for_credential() {
    let outside = ServiceBuilder::new()
        .timeout(Duration::from_secs(1))
        .layer(AuthLayer::new(slow_token()))
        .service(tower::service_fn(respond));
    let error = outside.oneshot(request()).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>(), "{error}");

    let inside = ServiceBuilder::new()
        .layer(AuthLayer::new(slow_token()))
        .layer(TimeoutLayer::new(Duration::from_secs(1)))
        .service(tower::service_fn(respond));
    assert_eq!(
        inside.oneshot(request()).await.unwrap().body(),
        "Bearer t1.a"
    );
}

#[tokio::test(start_paused = true)]
async fn waiting_request_returns_its_permit() {
    let client = ServiceBuilder::new()
        .layer(AuthLayer::new(ScriptedProvider::new().hang()))
        .layer(ConcurrencyLimitLayer::new(1))
        .service(tower::service_fn(respond));
    let mut first = client.clone();
    let waiting = first.ready().await.unwrap().call(request());
    let mut second = client.clone();
    assert!(
        tokio::time::timeout(Duration::from_secs(1), second.ready())
            .await
            .is_err(),
        "two services have the only permit"
    );
    drop(waiting);
    drop(first);
    tokio::time::timeout(Duration::from_secs(1), second.ready())
        .await
        .expect("the permit was not returned")
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn outer_retry_sends_current_credential() {
    #[derive(Clone)]
    struct Twice(u8);
    impl<E> tower::retry::Policy<Request<String>, Response<String>, E> for Twice {
        type Future = std::future::Ready<()>;

        fn retry(
            &mut self,
            _: &mut Request<String>,
            result: &mut Result<Response<String>, E>,
        ) -> Option<Self::Future> {
            let failed = result
                .as_ref()
                .is_ok_and(|response| response.status() == StatusCode::SERVICE_UNAVAILABLE);
            (failed && std::mem::replace(&mut self.0, 1) == 0).then(|| std::future::ready(()))
        }

        fn clone_request(&mut self, request: &Request<String>) -> Option<Request<String>> {
            Some(request.clone())
        }
    }
    let provider = ScriptedProvider::new()
        .answer(token("t1.a"))
        .answer(Credential::iam_token("t1.b").unwrap());
    let auth = AuthLayer::new(provider);
    let cache = auth.cache().clone();
    let client = tower::service_fn(move |request: Request<String>| {
        let cache = cache.clone();
        async move {
            assert_eq!(
                request
                    .headers()
                    .get_all(header::AUTHORIZATION)
                    .iter()
                    .count(),
                1
            );
            let mut response = respond(request).await?;
            if response.body() == "Bearer t1.a" {
                cache.refresh().await.unwrap();
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
            Ok::<_, Infallible>(response)
        }
    });
    let client = ServiceBuilder::new()
        .retry(Twice(0))
        .layer(auth)
        .service(client);
    assert_eq!(
        client.oneshot(request()).await.unwrap().body(),
        "Bearer t1.b"
    );
}
