//! Requests, credentials and clients of these tests.

use std::convert::Infallible;
use std::time::Duration;

pub(crate) use crate::token::token;
use http::{Request, Response, header};
use tower::{Service, ServiceExt};
use yandex_cloud_auth::testing::ManualClock;
use yandex_cloud_auth::{AuthLayer, Credential, CredentialCache, CredentialProvider};

pub(crate) const WORKFLOWS: &str = "https://serverless-workflows.api.cloud.yandex.net";
pub(crate) const START: &str = "/yandex.cloud.serverless.workflows.v1.ExecutionService/Start";
pub(crate) const CREATE: &str = "/yandex.cloud.serverless.workflows.v1.WorkflowService/Create";

pub(crate) fn key() -> Credential {
    Credential::api_key("AQVN1").unwrap()
}

pub(crate) fn request(uri: &str) -> Request<String> {
    Request::post(uri).body(String::new()).unwrap()
}

/// A layer whose credential is cached and old enough to be dropped.
pub(crate) async fn aged(provider: impl CredentialProvider) -> AuthLayer {
    let clock = ManualClock::new();
    let cache = CredentialCache::builder(provider)
        .clock(clock.clone())
        .build();
    cache.get().await.unwrap();
    clock.advance(Duration::from_secs(60));
    AuthLayer::from_cache(cache)
}

/// Answers with the `Authorization` of the request, empty if it has none.
pub(crate) async fn echo<B>(request: Request<B>) -> Result<Response<String>, Infallible> {
    let value = request.headers().get(header::AUTHORIZATION);
    let value = value.map_or("", |value| value.to_str().unwrap());
    Ok(Response::new(value.to_owned()))
}

/// Answers each request with a `401`.
pub(crate) async fn reject<B>(_: Request<B>) -> Result<Response<String>, Infallible> {
    let response = Response::builder().status(401).body(String::new());
    Ok(response.unwrap())
}

/// Sends the request once the service is ready, and returns the body of the response.
pub(crate) async fn send<S>(service: &mut S, request: Request<String>) -> Result<String, String>
where
    S: Service<Request<String>, Response = Response<String>, Error: ToString>,
{
    let ready = service.ready().await.map_err(|error| error.to_string())?;
    let response = ready.call(request).await;
    response
        .map(Response::into_body)
        .map_err(|error| error.to_string())
}
