//! The client of the Workflows API.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder};
use yandex_cloud_auth::retry::OnUnauthorized;
use yandex_cloud_auth::{AuthLayer, Policy};

/// The longest response body, in bytes.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// A client that returns complete responses.
pub(super) type Client = BoxCloneSyncService<Request<Full<Bytes>>, Response<Bytes>, BoxError>;

/// The layers from the outside: the timeout covers everything below it, also the wait for a token
/// and the body; the body is read once the response is final; the retry sends a request again
/// whose token was rejected; the layer sets the token.
pub(super) fn client<P>(auth: AuthLayer<P>, timeout: Duration) -> Client
where
    P: Policy + Clone + Send + Sync + 'static,
{
    let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector());
    let stack = ServiceBuilder::new()
        .timeout(timeout)
        .and_then(read_body)
        .retry(OnUnauthorized::new())
        .layer(auth)
        .service(http);
    BoxCloneSyncService::new(stack)
}

async fn read_body(response: Response<Incoming>) -> Result<Response<Bytes>, BoxError> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await?.to_bytes();
    Ok(Response::from_parts(head, body))
}

/// TLS with Mozilla's roots for `https`, and plain text for `http`: the policy of the layer decides
/// which requests get a credential.
fn connector() -> HttpsConnector<HttpConnector> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let tls = rustls::ClientConfig::builder_with_provider(
        rustls::crypto::ring::default_provider().into(),
    )
    .with_safe_default_protocol_versions()
    .expect("ring supports the default versions")
    .with_root_certificates(roots)
    .with_no_client_auth();
    HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .build()
}
