//! A gateway that runs in front of a fake cloud, and a caller without credentials.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use yandex_cloud_auth::testing::{FakeCloud, Host};
use yandex_cloud_auth::{
    AuthLayer, CredentialCache, CredentialProvider, ExecutionOnly, Policy, ServiceAccountKey,
    TrustedOrigins,
};

use crate::service::{self, Gateway, Shutdown};

/// Long enough for every response that comes, and short enough to wait for.
const TIMEOUT: Duration = Duration::from_secs(2);

const SHUTDOWN: Shutdown = Shutdown {
    grace: Duration::from_millis(200),
    limit: Duration::from_secs(1),
};

pub(crate) struct Running {
    pub(crate) cloud: FakeCloud,
    pub(crate) cache: CredentialCache,
    address: SocketAddr,
    caller: Client<HttpConnector, Full<Bytes>>,
    stop: RefCell<Option<oneshot::Sender<()>>>,
    server: JoinHandle<io::Result<()>>,
}

impl Running {
    /// With the service account of a cloud that works. The cache is empty.
    pub(crate) async fn start() -> Self {
        Self::with_account(FakeCloud::start().await).await
    }

    pub(crate) async fn with_account(cloud: FakeCloud) -> Self {
        let key = account(&cloud);
        Self::with(cloud, key).await
    }

    pub(crate) async fn with(cloud: FakeCloud, provider: impl CredentialProvider) -> Self {
        Self::with_cache(cloud, CredentialCache::new(provider)).await
    }

    pub(crate) async fn with_cache(cloud: FakeCloud, cache: CredentialCache) -> Self {
        let auth = AuthLayer::from_cache(cache.clone())
            .with_policy(TrustedOrigins::none().allow_loopback().and(ExecutionOnly));
        let gateway = Gateway::new(auth, &cloud.workflows_url(), TIMEOUT);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _dropped = stopped.await;
        };
        Self {
            cloud,
            cache,
            address,
            caller: Client::builder(TokioExecutor::new()).build_http(),
            stop: RefCell::new(Some(stop)),
            server: tokio::spawn(service::serve(listener, gateway, stopped, SHUTDOWN)),
        }
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        self.send_in_background(request).await.unwrap()
    }

    pub(crate) fn send_in_background(&self, request: Request<Full<Bytes>>) -> JoinHandle<Reply> {
        let (mut head, body) = request.into_parts();
        let url = format!("http://{}{}", self.address, head.uri);
        head.uri = url.parse().unwrap();
        let caller = self.caller.clone();
        tokio::spawn(async move {
            let sent = caller.request(Request::from_parts(head, body));
            let response = within("a response", sent).await.unwrap();
            let (head, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Reply {
                status: head.status,
                headers: head.headers,
                json: serde_json::from_slice(&body).unwrap_or_default(),
                text: String::from_utf8(body.to_vec()).unwrap(),
            }
        })
    }

    /// How many requests reached the Workflows API.
    pub(crate) fn requests(&self) -> usize {
        self.cloud.count(|seen| seen.host == Host::Workflows)
    }

    pub(crate) async fn until_cloud_is_asked(&self) {
        within("a request to the cloud", async {
            while self.requests() == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    pub(crate) fn stop(&self) {
        drop(self.stop.take());
    }

    /// Waits for the server to end, after which it accepts no connection.
    pub(crate) async fn until_stopped(self) {
        within("the end of the server", self.server)
            .await
            .unwrap()
            .unwrap();
        assert!(tokio::net::TcpStream::connect(self.address).await.is_err());
    }
}

pub(crate) fn account(cloud: &FakeCloud) -> ServiceAccountKey {
    ServiceAccountKey::from_json(cloud.service_account_key())
        .unwrap()
        .with_endpoint(cloud.iam_url())
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn header(&self, name: HeaderName) -> &str {
        let value = self.headers.get(&name);
        value
            .unwrap_or_else(|| panic!("no {name}"))
            .to_str()
            .unwrap()
    }
}

pub(crate) fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

pub(crate) fn post(path: &str, json: &str) -> Request<Full<Bytes>> {
    Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::from(json.to_owned()))
        .unwrap()
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future)
        .await
        .unwrap_or_else(|_| panic!("{what}: ten seconds"))
}
