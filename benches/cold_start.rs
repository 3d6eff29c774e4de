//! The time from nothing to the first token, by part. Every process is a new one, and the server is
//! on loopback. See `benches/README.md`.

#[path = "harness/mod.rs"]
mod harness;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use yandex_cloud_auth::{CredentialCache, CredentialProvider, HttpsTransport, ServiceAccountKey};

use harness::{argument, is_bench, median, quantile};

const KEY_FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/service_account_key.json"
);
const AUTHORITY: &[u8] = include_bytes!("../tests/fixtures/certificate.pem");
const TOKEN: &[u8] = br#"{"iamToken":"t1.abc","expiresAt":"2100-01-01T00:00:00Z"}"#;

/// How often a process repeats a part.
const REPEATS: usize = 15;

/// Where systems keep all roots in one file.
const BUNDLES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// What is timed: the parts, and then the whole in two environments.
const ROWS: [&str; 7] = [
    "a tokio runtime of one thread",
    "key file: read and parse JSON and PEM, check the key",
    "fetch over a client in memory: sign the JWT, parse the response",
    "request over a new connection: TCP, TLS, response",
    "the system's roots: read them; again, in another `HttpsTransport`: share them",
    "whole: to the first token",
    "whole, where `SSL_CERT_FILE` names the file of the system's roots",
];

fn main() {
    match argument("--child") {
        Some(child) => print(&child),
        None => compare(if is_bench() { 101 } else { 1 }),
    }
}

fn compare(processes: usize) {
    let address = serve();
    let bundle = BUNDLES.iter().find(|path| Path::new(path).exists());
    let mut rows = vec![(Vec::new(), Vec::new()); ROWS.len()];
    for _ in 0..processes {
        let mut times = child("parts", address, None);
        times.append(&mut child("whole", address, None));
        times.append(&mut child("whole", address, bundle));
        for (row, times) in rows.iter_mut().zip(times) {
            row.0.push(times.0);
            row.1.push(times.1);
        }
    }
    println!("ms, {processes} new processes\n");
    println!("| part | first time, median | the fastest tenth | again, median |");
    println!("|---|--:|--:|--:|");
    for (name, (first, again)) in ROWS.iter().zip(&rows) {
        let (median_first, fast) = (median(first), quantile(first, 0.1));
        let again = median(again);
        println!("| {name} | {median_first:.2} | {fast:.2} | {again:.2} |");
    }
}

/// Runs this program again, and reads the times that it prints.
///
/// A process prints lines of two numbers: milliseconds for the first time, and the median of
/// further times.
fn child(parts: &str, address: SocketAddr, cert_file: Option<&&str>) -> Vec<(f64, f64)> {
    let output = Command::new(std::env::current_exe().expect("a path"))
        .args(["--child", parts, "--address", &address.to_string()])
        .env_remove("SSL_CERT_FILE")
        .env_remove("SSL_CERT_DIR")
        .envs(cert_file.map(|path| ("SSL_CERT_FILE", path)))
        .output()
        .expect("this program starts");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let pair = |line: &str| {
        let (first, again) = line.split_once(' ')?;
        Some((first.parse().ok()?, again.parse().ok()?))
    };
    text.lines()
        .map(|line| pair(line).expect("two numbers"))
        .collect()
}

fn print(child: &str) {
    let start = Instant::now();
    let address: SocketAddr = argument("--address")
        .expect("the address of the server")
        .parse()
        .expect("an address");
    let endpoint = format!("https://localhost:{}", address.port());
    let times = match child {
        "whole" => vec![whole(start, &endpoint)],
        _ => parts(&endpoint),
    };
    for (first, again) in times {
        println!("{first} {again}");
    }
}

/// Everything that a program does before its first request, from the start of `main`.
fn whole(start: Instant, endpoint: &str) -> (f64, f64) {
    let token = |runtime: &Runtime| {
        let key = ServiceAccountKey::from_file(KEY_FILE)
            .expect("a key")
            .with_endpoint(endpoint)
            .with_transport(with_system_roots());
        let cache = CredentialCache::new(key);
        runtime.block_on(cache.get()).expect("a token");
    };
    let runtime = runtime();
    token(&runtime);
    let first = millis(start);
    (first, again(|| token(&runtime)))
}

fn parts(endpoint: &str) -> Vec<(f64, f64)> {
    let new_runtime = first_and_again(|| drop(runtime()));
    let runtime = runtime();
    let key_file = first_and_again(|| {
        ServiceAccountKey::from_file(KEY_FILE).expect("a key");
    });
    let key = std::fs::read_to_string(KEY_FILE).expect("the fixture");
    let key = ServiceAccountKey::from_json(key).expect("a key");
    let key = key.with_transport(tower::service_fn(answer));
    let fetch = first_and_again(|| {
        runtime.block_on(key.fetch()).expect("a token");
    });
    let transport = HttpsTransport::builder()
        .tls_config(trusting_the_authority())
        .build();
    let connection = first_and_again(|| runtime.block_on(get(transport.clone(), endpoint)));
    // Such a request also makes a connection, whose time is subtracted.
    let request = first_and_again(|| runtime.block_on(get(with_system_roots(), endpoint)));
    let roots = (request.0 - connection.1, request.1 - connection.1);
    vec![new_runtime, key_file, fetch, connection, roots]
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A transport that trusts the roots of the system and that of the server.
fn with_system_roots() -> HttpsTransport {
    let builder = HttpsTransport::builder().add_root_certificates_pem(AUTHORITY);
    builder.expect("a certificate").build()
}

/// Makes a whole handshake each time, as the first one is.
fn trusting_the_authority() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(AUTHORITY).expect("PEM"))
        .expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("cipher suites")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config
}

async fn get(transport: HttpsTransport, url: &str) {
    let request = Request::get(url).body(Full::default()).expect("a request");
    let response = transport.oneshot(request).await.expect("a response");
    response.into_body().collect().await.expect("a body");
}

fn first_and_again(mut run: impl FnMut()) -> (f64, f64) {
    let start = Instant::now();
    run();
    (millis(start), again(run))
}

fn again(mut run: impl FnMut()) -> f64 {
    let mut time = || {
        let start = Instant::now();
        run();
        millis(start)
    };
    median(&(0..REPEATS).map(|_| time()).collect::<Vec<_>>())
}

fn millis(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

/// A TLS server that returns a token to every request, on its own thread and runtime.
fn serve() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener
        .set_nonblocking(true)
        .expect("a socket that does not block");
    let address = listener.local_addr().expect("an address");
    let acceptor = TlsAcceptor::from(Arc::new(server_config()));
    thread::spawn(move || {
        runtime().block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let stream = TokioIo::new(acceptor.accept(stream).await?);
                    let service = TowerToHyperService::new(tower::service_fn(answer));
                    let builder = auto::Builder::new(TokioExecutor::new());
                    builder.serve_connection(stream, service).await
                });
            }
        });
    });
    address
}

fn server_config() -> ServerConfig {
    let certificate = include_bytes!("../tests/fixtures/localhost.pem");
    let certificate = CertificateDer::from_pem_slice(certificate).expect("PEM");
    let key = include_bytes!("../tests/fixtures/ec.pem");
    let key = PrivateKeyDer::from_pem_slice(key).expect("PEM");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("cipher suites")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("the key of the certificate")
}

async fn answer<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(TOKEN))))
}
