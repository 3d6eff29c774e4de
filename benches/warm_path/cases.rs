//! The ways to set `Authorization` on a request: none, a plain insert, this crate with four
//! policies, and other crates.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, RwLock};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use http::{HeaderValue, Request, Response, header};
use tower::filter::{AsyncFilterLayer, AsyncPredicate};
use tower::{BoxError, Layer, Service};
use tower_http::auth::AddAuthorizationLayer;
use yandex_cloud_auth::{
    ApiKeyRules, AuthLayer, Credential, ExecutionOnly, Policy, Scheme, TrustedOrigins, Unrestricted,
};

use crate::harness::{Case, Shape, client, ready_client, token};

pub(crate) const BARE: &str = "bare service";
pub(crate) const INSERT: &str = "insert of a ready value (the limit)";
pub(crate) const TOWER_HTTP: &str = "tower-http AddAuthorization";
pub(crate) const UNRESTRICTED: &str = "Unrestricted, Bearer";
pub(crate) const DEFAULT: &str = "Workflows (default), Bearer";
pub(crate) const DEFAULT_KEY: &str = "Workflows (default), Api-Key";
pub(crate) const DEFAULT_GRPC: &str = "Workflows (default), Bearer, GrpcAuth";

/// A client that [`Case`]s are built over.
pub(crate) trait Client:
    Service<Request<()>, Response = Response<()>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<C> Client for C where
    C: Service<Request<()>, Response = Response<()>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// The baselines and this crate.
pub(crate) fn gated(shape: Shape) -> Vec<Case> {
    let [baselines, ours] = match shape {
        Shape::Own | Shape::Boxed => [baselines(shape, &client()), ours(shape, &client())],
        Shape::BoxedReady => [
            baselines(shape, &ready_client()),
            ours(shape, &ready_client()),
        ],
    };
    [baselines, ours].into_iter().flatten().collect()
}

/// Other ways to do it.
pub(crate) fn rivals(shape: Shape) -> Vec<Case> {
    match shape {
        Shape::Own | Shape::Boxed => rivals_over(shape, &client()),
        Shape::BoxedReady => rivals_over(shape, &ready_client()),
    }
}

/// The cases that all others are compared to.
fn baselines(shape: Shape, client: &impl Client) -> Vec<Case> {
    let value = bearer();
    vec![
        Case::new(shape, BARE, client.clone()),
        Case::new(
            shape,
            INSERT,
            Insert {
                inner: client.clone(),
                value,
            },
        ),
        Case::new(
            shape,
            TOWER_HTTP,
            AddAuthorizationLayer::bearer(&token(300))
                .as_sensitive(true)
                .layer(client.clone()),
        ),
    ]
}

/// This crate, with four policies, both schemes, and the gRPC service.
fn ours(shape: Shape, client: &impl Client) -> Vec<Case> {
    use Scheme::{ApiKey, Bearer};
    vec![
        Case::new(
            shape,
            UNRESTRICTED,
            layer(Bearer)
                .with_policy(Unrestricted)
                .layer(client.clone()),
        ),
        Case::new(
            shape,
            "Unrestricted, Api-Key",
            layer(ApiKey)
                .with_policy(Unrestricted)
                .layer(client.clone()),
        ),
        Case::new(
            shape,
            "ExecutionOnly, Bearer",
            layer(Bearer)
                .with_policy(ExecutionOnly)
                .layer(client.clone()),
        ),
        Case::new(
            shape,
            "ExecutionOnly, Api-Key",
            layer(ApiKey)
                .with_policy(ExecutionOnly)
                .layer(client.clone()),
        ),
        Case::new(shape, DEFAULT, layer(Bearer).layer(client.clone())),
        Case::new(shape, DEFAULT_KEY, layer(ApiKey).layer(client.clone())),
        Case::new(
            shape,
            "origins and rules, Bearer",
            layer(Bearer).with_policy(custom()).layer(client.clone()),
        ),
        Case::new(
            shape,
            "origins and rules, Api-Key",
            layer(ApiKey).with_policy(custom()).layer(client.clone()),
        ),
        Case::new(
            shape,
            "Workflows (default), with_api_key",
            layer(Bearer)
                .with_api_key(credential(ApiKey))
                .layer(client.clone()),
        ),
        Case::new(
            shape,
            DEFAULT_GRPC,
            layer(Bearer).grpc().layer(client.clone()),
        ),
        Case::new(
            shape,
            "Workflows (default), Api-Key, GrpcAuth",
            layer(ApiKey).grpc().layer(client.clone()),
        ),
    ]
}

fn rivals_over(shape: Shape, client: &impl Client) -> Vec<Case> {
    vec![
        Case::new(shape, "tonic Interceptor, RwLock<String> + format!", {
            tonic::service::interceptor::InterceptedService::new(client.clone(), interceptor())
        }),
        Case::new(
            shape,
            "kube: AsyncFilter, tokio Mutex",
            AsyncFilterLayer::new(Refreshable::new()).layer(client.clone()),
        ),
    ]
}

pub(crate) fn layer(scheme: Scheme) -> AuthLayer {
    AuthLayer::new(credential(scheme).with_lifetime(Duration::from_secs(43_200)))
}

fn credential(scheme: Scheme) -> Credential {
    let credential = match scheme {
        Scheme::ApiKey => Credential::api_key(token(300).replacen("t1.", "AQV", 1)),
        _ => Credential::iam_token(token(300)),
    };
    credential.expect("token68")
}

/// The default policy, built from its parts with one more origin and one more rule.
fn custom() -> impl Policy + Clone + 'static {
    let origins = TrustedOrigins::yandex_cloud()
        .allow("https://workflows.corp.example:8443")
        .expect("an origin");
    origins.and(
        ApiKeyRules::workflows()
            .allow_grpc("yandex.cloud.searchapi.v2.WebSearchService")
            .unwrap(),
    )
}

fn bearer() -> HeaderValue {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token(300))).expect("visible ASCII");
    value.set_sensitive(true);
    value
}

/// The minimum that sets the header: it clones and inserts one value.
#[derive(Clone)]
pub(crate) struct Insert<S> {
    pub(crate) inner: S,
    pub(crate) value: HeaderValue,
}

impl<S: Service<Request<()>>> Service<Request<()>> for Insert<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<()>) -> S::Future {
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, self.value.clone());
        self.inner.call(request)
    }
}

/// A token behind a lock, formatted for each request, as hand-written code often does.
fn interceptor() -> impl tonic::service::Interceptor + Clone {
    let shared = Arc::new(RwLock::new(token(300)));
    move |mut request: tonic::Request<()>| {
        let text = format!("Bearer {}", shared.read().expect("no thread panics"));
        let mut value: tonic::metadata::AsciiMetadataValue = text.parse().expect("visible ASCII");
        value.set_sensitive(true);
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

/// As kube-client does: an async predicate locks the token and its expiry, reads the clock and
/// formats the value.
#[derive(Clone)]
struct Refreshable(Arc<tokio::sync::Mutex<(String, SystemTime)>>);

impl Refreshable {
    fn new() -> Self {
        let expiry = SystemTime::now() + Duration::from_secs(43_200);
        Self(Arc::new(tokio::sync::Mutex::new((token(300), expiry))))
    }

    async fn header(&self) -> HeaderValue {
        let locked = self.0.lock().await;
        assert!(
            SystemTime::now() + Duration::from_secs(60) < locked.1,
            "no token expires here"
        );
        let mut value =
            HeaderValue::try_from(format!("Bearer {}", locked.0)).expect("visible ASCII");
        value.set_sensitive(true);
        value
    }
}

impl AsyncPredicate<Request<()>> for Refreshable {
    type Request = Request<()>;
    type Future = Pin<Box<dyn Future<Output = Result<Request<()>, BoxError>> + Send>>;

    fn check(&mut self, mut request: Request<()>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, this.header().await);
            Ok(request)
        })
    }
}
