//! The cases of `warm_path`, and google-cloud-auth's credentials in the same run. See
//! `benches/README.md`.

#[path = "../../warm_path/cases.rs"]
mod cases;
#[path = "../../warm_path/chart.rs"]
mod chart;
#[path = "../../harness/mod.rs"]
mod harness;
#[path = "../../warm_path/report.rs"]
mod report;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use google_cloud_auth::credentials::{self, CacheableResource, Credentials, service_account};
use http::{Extensions, Request, Response};
use tower::Service;

use cases::Client;
use harness::{Case, SHAPES, Shape, client, ready_client, token};

const KEY: &str = include_str!("../../../src/testing/keys/first.pem");

fn main() {
    // The credentials renew in a task, which needs a runtime.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let _entered = runtime.enter();
    let credentials = [service_account(), api_key()];
    for credentials in &credentials {
        runtime
            .block_on(credentials.headers(Extensions::new()))
            .expect("headers without a network");
    }
    let mut cases = SHAPES.map(|shape| {
        let mut cases = cases::gated(shape);
        cases.extend(cases::rivals(shape));
        cases.extend(match shape {
            Shape::Own | Shape::Boxed => google(shape, &client(), &credentials),
            Shape::BoxedReady => google(shape, &ready_client(), &credentials),
        });
        cases
    });
    report::run(&mut cases, 1500);
}

fn google(shape: Shape, client: &impl Client, credentials: &[Credentials; 2]) -> [Case; 2] {
    let [service_account, api_key] = credentials.clone().map(|credentials| Google {
        inner: client.clone(),
        credentials,
    });
    [
        Case::new(
            shape,
            "google-cloud-auth Credentials::headers, service account",
            service_account,
        ),
        Case::new(
            shape,
            "google-cloud-auth Credentials::headers, API key",
            api_key,
        ),
    ]
}

/// Signs its token, a JWT, itself. It sends no request for it.
fn service_account() -> Credentials {
    let key = serde_json::json!({
        "client_email": "bench@example.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": KEY,
        "project_id": "example",
        "universe_domain": "googleapis.com",
    });
    service_account::Builder::new(key)
        .build()
        .expect("a service account")
}

fn api_key() -> Credentials {
    credentials::api_key_credentials::Builder::new(token(300)).build()
}

/// As its documentation shows: awaits the headers and adds them to each request.
#[derive(Clone)]
struct Google<S> {
    inner: S,
    credentials: Credentials,
}

impl<S> Service<Request<()>> for Google<S>
where
    S: Service<Request<()>, Response = Response<()>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
{
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<()>) -> Self::Future {
        let (credentials, mut inner) = (self.credentials.clone(), self.inner.clone());
        Box::pin(async move {
            let headers = credentials.headers(Extensions::new()).await;
            let Ok(CacheableResource::New { data, .. }) = headers else {
                panic!("the headers are cached")
            };
            request.headers_mut().extend(data);
            inner.call(request).await
        })
    }
}
