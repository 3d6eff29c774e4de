//! A client of the Workflows API: starts executions by REST and reads them by gRPC.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tonic::transport::{Channel, Endpoint};
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, timeout::Timeout};
use yandex_cloud_auth::{Auth, AuthLayer, GrpcAuth, Policy};

use proto::execution_service_client::ExecutionServiceClient;
use proto::{Execution, GetExecutionRequest};

/// What tonic-prost-build generates from `proto/execution.proto`. A program that generates it at
/// build time has `tonic::include_proto!` here.
#[allow(dead_code, unreachable_pub, reason = "generated")]
pub(crate) mod proto {
    include!("proto/yandex.cloud.serverless.workflows.v1.rs");
}

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// An HTTP client and a gRPC channel with the same layer around both.
#[derive(Clone)]
pub(crate) struct Workflows<P> {
    http: Timeout<Auth<HttpClient, P>>,
    grpc: ExecutionServiceClient<GrpcAuth<Channel, P>>,
    rest_url: String,
}

impl<P> Workflows<P>
where
    P: Policy + Clone + Send + Sync + 'static,
{
    /// A client of the API at these two URLs. It connects when it is first used.
    pub(crate) fn new(
        auth: AuthLayer<P>,
        rest_url: &str,
        grpc_url: &str,
    ) -> Result<Self, BoxError> {
        let http = Client::builder(TokioExecutor::new()).build(connector(false));
        let channel = Endpoint::from_shared(grpc_url.to_owned())?
            .connect_with_connector_lazy(connector(true));
        Ok(Self {
            http: ServiceBuilder::new()
                .timeout(Duration::from_secs(10))
                .layer(auth.clone())
                .service(http),
            // tonic's requests do not name a host: the policy judges them by this origin.
            grpc: ExecutionServiceClient::new(auth.with_origin(grpc_url)?.grpc().layer(channel)),
            rest_url: rest_url.to_owned(),
        })
    }

    /// Starts an execution of a workflow and returns the id of the execution.
    pub(crate) async fn start(
        &self,
        workflow_id: &str,
        input: &serde_json::Value,
    ) -> Result<String, BoxError> {
        let body = serde_json::json!({ "workflowId": workflow_id, "input": { "inputJson": input.to_string() } });
        let request = Request::post(format!("{}/workflows/v1/execution/start", self.rest_url))
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))?;
        let response = self.send(request).await?;
        let started: serde_json::Value = serde_json::from_slice(response.body())?;
        Ok(started["executionId"]
            .as_str()
            .ok_or("no execution id in the response")?
            .to_owned())
    }

    /// Reads an execution.
    pub(crate) async fn execution(&self, id: &str) -> Result<Execution, BoxError> {
        let response = self
            .grpc
            .clone()
            .get(GetExecutionRequest {
                execution_id: id.to_owned(),
            })
            .await?;
        response
            .into_inner()
            .execution
            .ok_or_else(|| "no execution in the response".into())
    }

    /// Sends a request and reads the whole response.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, BoxError> {
        let target = request.uri().path().to_owned();
        let (parts, body) = self.http.clone().oneshot(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        if !parts.status.is_success() {
            return Err(format!("{target} returned {}", parts.status).into());
        }
        Ok(Response::from_parts(parts, body))
    }
}

/// TLS with Mozilla's roots for `https`, and plain text for `http`: the policy of the layer decides
/// which requests get a credential.
fn connector(http2: bool) -> HttpsConnector<HttpConnector> {
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
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    if http2 {
        connector.enable_http2().build()
    } else {
        connector.enable_http1().build()
    }
}
