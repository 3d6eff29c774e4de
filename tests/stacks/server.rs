//! A gRPC server with one method of each kind, which checks the credential of each request.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use http::{Request, Response, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;
use tower::service_fn;

pub(crate) const UNARY: &str = "/stacks.Echo/Unary";
pub(crate) const CLIENT_STREAM: &str = "/stacks.Echo/ClientStream";
pub(crate) const SERVER_STREAM: &str = "/stacks.Echo/ServerStream";
pub(crate) const BIDIRECTIONAL: &str = "/stacks.Echo/Bidirectional";

/// Ends the response of `ServerStream` with status 16 in its trailers.
pub(crate) const EXPIRE: &str = "expire";

/// The server. It runs as long as the runtime that started it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    rejected: HashSet<String>,
    received: Vec<String>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// For `https://localhost`, with a certificate of the test authority.
    pub(crate) async fn start_tls() -> Self {
        Self::start_with(Some(acceptor())).await
    }

    async fn start_with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        tokio::spawn(accept(listener, tls, Arc::clone(&state)));
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn https_url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Responds to requests with this `Authorization` with status 16.
    pub(crate) fn reject(&self, authorization: &str) {
        let mut state = self.state.lock().unwrap();
        state.rejected.insert(authorization.to_owned());
    }

    /// The `Authorization` of each request since the last call, empty for one that has none.
    pub(crate) fn received(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().received)
    }
}

fn acceptor() -> TlsAcceptor {
    let certificate = include_bytes!("../fixtures/localhost.pem");
    let certificate = CertificateDer::from_pem_slice(certificate).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../fixtures/ec.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, tls.clone(), Arc::clone(&state)));
    }
}

async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, state: Arc<Mutex<State>>) {
    match tls {
        None => serve_http(stream, state).await,
        Some(tls) => serve_http(tls.accept(stream).await.unwrap(), state).await,
    }
}

async fn serve_http<I>(io: I, state: Arc<Mutex<State>>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| respond(request, Arc::clone(&state)));
    // An error is the client's, which has closed the connection.
    let _closed = auto::Builder::new(TokioExecutor::new())
        .http2_only()
        .serve_connection(TokioIo::new(io), TowerToHyperService::new(service))
        .await;
}

async fn respond(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Body>, Infallible> {
    let authorization = request.headers().get(header::AUTHORIZATION);
    let authorization = authorization.map_or("", |value| value.to_str().unwrap());
    let is_rejected = {
        let mut state = state.lock().unwrap();
        state.received.push(authorization.to_owned());
        state.rejected.contains(authorization)
    };
    if is_rejected {
        return Ok(Status::unauthenticated("the token is expired").into_http());
    }
    Ok(call(request).await)
}

async fn call(request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let mut grpc = Grpc::new(ProstCodec::<String, String>::default());
    match path.as_str() {
        UNARY => grpc.unary(service_fn(unary), request).await,
        CLIENT_STREAM => {
            grpc.client_streaming(service_fn(client_stream), request)
                .await
        }
        SERVER_STREAM => {
            grpc.server_streaming(service_fn(server_stream), request)
                .await
        }
        BIDIRECTIONAL => grpc.streaming(service_fn(bidirectional), request).await,
        _ => Status::unimplemented(path).into_http(),
    }
}

type Reply<T> = Result<tonic::Response<T>, Status>;

async fn unary(request: tonic::Request<String>) -> Reply<String> {
    Ok(tonic::Response::new(request.into_inner()))
}

/// Joins the messages.
async fn client_stream(request: tonic::Request<Streaming<String>>) -> Reply<String> {
    let messages: Vec<String> = request.into_inner().try_collect().await?;
    Ok(tonic::Response::new(messages.join(" ")))
}

/// One message per word.
async fn server_stream(
    request: tonic::Request<String>,
) -> Reply<impl Stream<Item = Result<String, Status>> + Send> {
    let words = request.into_inner();
    let words: Vec<_> = words.split(' ').map(str::to_owned).collect();
    let messages = words.into_iter().map(|word| match word.as_str() {
        EXPIRE => Err(Status::unauthenticated("the token has expired meanwhile")),
        _ => Ok(word),
    });
    Ok(tonic::Response::new(stream::iter(messages)))
}

/// Responds to each message at once.
async fn bidirectional(
    request: tonic::Request<Streaming<String>>,
) -> Reply<impl Stream<Item = Result<String, Status>> + Send> {
    let messages = request.into_inner();
    Ok(tonic::Response::new(messages.map(|message| message)))
}
