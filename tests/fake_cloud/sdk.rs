//! The gRPC methods that SDKs call first, and the TLS listener, which they require.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use prost::Message;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;
use yandex_cloud_auth::testing::{ExpiresAt, FakeCloud, Host, proto};

use crate::client::*;

#[derive(Clone, PartialEq, Message)]
struct CreateToken {
    #[prost(string, optional, tag = "2")]
    jwt: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Token {
    #[prost(string, tag = "1")]
    iam_token: String,
    #[prost(message, optional, tag = "2")]
    expires_at: Option<proto::Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
struct Id {
    #[prost(string, tag = "1")]
    id: String,
}

#[derive(Clone, PartialEq, Message)]
struct Address {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    address: String,
}

#[derive(Clone, PartialEq, Message)]
struct Addresses {
    #[prost(message, repeated, tag = "1")]
    endpoints: Vec<Address>,
}

const CREATE: &str = "/yandex.cloud.iam.v1.IamTokenService/Create";
const GET: &str = "/yandex.cloud.endpoint.ApiEndpointService/Get";
const LIST: &str = "/yandex.cloud.endpoint.ApiEndpointService/List";

async fn call<A, B>(channel: &Channel, method: &'static str, message: A) -> Result<B, Status>
where
    A: Message + 'static,
    B: Message + Default + 'static,
{
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let codec = ProstCodec::<A, B>::default();
    let path = PathAndQuery::from_static(method);
    let response = client
        .unary(tonic::Request::new(message), path, codec)
        .await?;
    Ok(response.into_inner())
}

fn plain(cloud: &FakeCloud) -> Channel {
    let endpoint = Endpoint::from_shared(cloud.grpc_url()).unwrap();
    endpoint.connect_lazy()
}

/// A channel that trusts the cloud's root and nothing else.
fn tls(cloud: &FakeCloud) -> Channel {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(cloud.root_certificate().as_bytes()).unwrap();
    roots.add(root).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let mut config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let domain = domain(cloud);
    let connect = tower::service_fn(move |_| {
        let (connector, domain) = (connector.clone(), domain.clone());
        async move {
            let stream = TcpStream::connect(domain.replace("localhost", "127.0.0.1")).await?;
            let name = ServerName::try_from("localhost").unwrap();
            let stream = connector.connect(name, stream).await?;
            Ok::<_, std::io::Error>(TokioIo::new(stream))
        }
    });
    // The connector does the TLS, so tonic must not.
    let url = cloud.grpc_tls_url().replace("https", "http");
    Endpoint::from_shared(url)
        .unwrap()
        .connect_with_connector_lazy(connect)
}

/// `localhost:port`, the API domain that an SDK is given.
fn domain(cloud: &FakeCloud) -> String {
    cloud.grpc_tls_url().replace("https://", "")
}

#[tokio::test]
async fn sdk_reads_endpoints_and_exchanges_jwt() {
    let cloud = FakeCloud::start().await;
    let channel = tls(&cloud);
    let domain = domain(&cloud);
    let listed: Addresses = call(&channel, LIST, ()).await.unwrap();
    let addresses = listed.endpoints.iter();
    assert!(addresses.clone().all(|found| found.address == domain));
    let ids: Vec<_> = addresses.map(|found| found.id.as_str()).collect();
    assert_eq!(
        ids,
        ["endpoint", "iam", "operation", "serverless-workflows"]
    );

    let mut jwt = jwt(&cloud);
    jwt.claims["aud"] = json!(format!("https://iam.{domain}/iam/v1/tokens"));
    let jwt = Some(jwt.sign());
    let token: Token = call(&channel, CREATE, CreateToken { jwt }).await.unwrap();

    let bearer = format!("Bearer {}", token.iam_token);
    let mut request = tonic::Request::new(proto::StartExecutionRequest {
        workflow_id: "dfq1".to_owned(),
        input: None,
    });
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().unwrap());
    let mut executions = proto::ExecutionServiceClient::new(channel);
    executions.start(request).await.unwrap();
    assert_eq!(
        cloud.count(|received| received.host == Host::Grpc),
        3,
        "what comes by TLS is recorded as gRPC"
    );
}

#[tokio::test]
async fn token_over_grpc_lives_twelve_hours() {
    let cloud = FakeCloud::start().await;
    let request = || CreateToken {
        jwt: Some(jwt(&cloud).sign()),
    };
    let token: Token = call(&plain(&cloud), CREATE, request()).await.unwrap();
    let end = Duration::from_secs(token.expires_at.unwrap().seconds.try_into().unwrap());
    let left = end - SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!((43_140..=43_200).contains(&left.as_secs()), "{left:?}");

    cloud.set_expires_at(ExpiresAt::Missing);
    let token: Token = call(&plain(&cloud), CREATE, request()).await.unwrap();
    assert_eq!(token.expires_at, None);
}

#[tokio::test]
async fn iam_over_grpc_rejects_what_rest_rejects() {
    let cloud = FakeCloud::start().await;
    let channel = plain(&cloud);
    let mut foreign = jwt(&cloud);
    foreign.claims["aud"] = json!("https://iam.localhost:1/iam/v1/tokens");
    for (jwt, code, message) in [
        (Some(foreign.sign()), Code::Unauthenticated, "aud is not"),
        (Some("x".to_owned()), Code::Unauthenticated, "malformed"),
        (None, Code::InvalidArgument, "Exactly one of"),
    ] {
        let sent = call::<_, Token>(&channel, CREATE, CreateToken { jwt }).await;
        let status = sent.unwrap_err();
        assert_eq!(status.code(), code);
        assert!(status.message().contains(message), "{}", status.message());
    }
}

#[tokio::test]
async fn endpoint_is_found_by_id() {
    let cloud = FakeCloud::start().await;
    let channel = plain(&cloud);
    let ask = |id: &str| Id { id: id.to_owned() };
    let found: Address = call(&channel, GET, ask("iam")).await.unwrap();
    assert_eq!(found.address, domain(&cloud));
    let missing = call::<_, Address>(&channel, GET, ask("absent")).await;
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
}
