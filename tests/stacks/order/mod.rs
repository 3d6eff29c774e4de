//! The table of `src/docs/stacks.md`: each test shows what one row of it says.
//!
//! Most of them need an exact time, so their client is a function and the clock of tokio is paused.
//! `sockets` sends a request through each stack to a server.

mod hedge;
mod limits;
mod page;
mod retry;
mod sockets;
mod target;
mod timeout;
mod trace;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use tower::Service;
use yandex_cloud_auth::AuthOverride;
use yandex_cloud_auth::testing::ScriptedProvider;

use self::page::says;
use crate::token::token;

const FETCH: Duration = Duration::from_secs(2);

const URL: &str = "https://serverless-workflows.api.cloud.yandex.net/workflows/v1/execution";

/// Returns the token `t1.a` after two seconds.
fn slow_token() -> ScriptedProvider {
    ScriptedProvider::new().after(FETCH).answer(token("t1.a"))
}

fn request() -> Request<String> {
    Request::get(URL).body(String::new()).unwrap()
}

/// A request that needs no credential.
fn anonymous() -> Request<String> {
    let mut request = request();
    request.extensions_mut().insert(AuthOverride::Anonymous);
    request
}

/// A request that the policy denies.
fn denied() -> Request<String> {
    Request::get("https://evil.example/")
        .body(String::new())
        .unwrap()
}

/// A client that takes a millisecond for each request.
#[derive(Clone, Default)]
struct Client {
    received: Arc<Mutex<Vec<String>>>,
    rejected: Option<&'static str>,
}

impl Client {
    fn rejecting(authorization: &'static str) -> Self {
        Self {
            rejected: Some(authorization),
            ..Self::default()
        }
    }

    /// The `Authorization` of each request, empty for one that has none.
    fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    fn service(
        &self,
    ) -> impl Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + use<> {
        let client = self.clone();
        tower::service_fn(move |request: Request<String>| {
            let authorization = request.headers().get(header::AUTHORIZATION);
            let authorization = authorization.map_or("", |value| value.to_str().unwrap());
            let mut received = client.received.lock().unwrap();
            received.push(authorization.to_owned());
            let mut response = Response::new(String::new());
            if client.rejected == Some(authorization) {
                *response.status_mut() = StatusCode::UNAUTHORIZED;
            }
            async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok(response)
            }
        })
    }
}
