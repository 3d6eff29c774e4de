//! Whole requests over loopback, HTTP/1.1 and HTTP/2, each compared to a request with a plain
//! header insert. See `benches/README.md`.

#[path = "harness/mod.rs"]
mod harness;

use std::net::SocketAddr;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tower::util::MapRequest;
use tower::{Layer, Service, ServiceExt};
use tower_http::auth::AddAuthorizationLayer;
use yandex_cloud_auth::{AuthLayer, Credential};

use harness::{HOST, REST_PATH, is_bench, median, order, token};

type Body = Empty<Bytes>;
type HttpClient = Client<HttpConnector, Body>;
type Call = Box<dyn FnMut(&Runtime) -> f64>;

const CASES: [&str; 4] = [
    "no header",
    "insert of a ready value",
    "tower-http AddAuthorization",
    "Auth",
];

fn main() {
    let rounds = if is_bench() { 8000 } else { 2 };
    let address = serve();
    println!("µs per request, one at a time on one connection, medians of {rounds} rounds\n");
    println!(
        "| | {} | Auth - insert, paired | tower-http - insert, paired |",
        CASES.join(" | ")
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (version, http2) in [("HTTP/1.1", false), ("HTTP/2", true)] {
        for length in [300, 1000] {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let client = Client::builder(TokioExecutor::new())
                .http2_only(http2)
                .build_http();
            let mut calls = calls(&redirected(client, address), length);
            row(
                &format!("{version}, {length} bytes"),
                &sample(&runtime, &mut calls, rounds),
            );
        }
    }
}

/// A server with a short response to every request, on its own thread and runtime.
fn serve() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener
        .set_nonblocking(true)
        .expect("a socket that does not block");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("a TCP stream");
                let service =
                    hyper_util::service::TowerToHyperService::new(tower::service_fn(respond));
                tokio::spawn(async move {
                    let builder = auto::Builder::new(TokioExecutor::new());
                    builder
                        .serve_connection(TokioIo::new(stream), service)
                        .await
                });
            }
        });
    });
    address
}

async fn respond<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"{\"executionId\":\"dfq1\"}")));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

/// Sends requests to this machine although their URI names the cloud. It is below the layers, and
/// the same for all of them.
fn redirected(
    client: HttpClient,
    address: SocketAddr,
) -> MapRequest<HttpClient, impl Fn(Request<Body>) -> Request<Body> + Clone> {
    let local: Uri = format!("http://{address}{REST_PATH}")
        .parse()
        .expect("a URI");
    MapRequest::new(client, move |mut request: Request<Body>| {
        request.uri_mut().clone_from(&local);
        request
    })
}

fn calls<S, R>(client: &S, length: usize) -> Vec<Call>
where
    S: Service<Request<Body>, Response = Response<R>, Error: Into<tower::BoxError>>
        + Clone
        + 'static,
    R: hyper::body::Body + 'static,
{
    let credential = Credential::iam_token(token(length)).expect("token68");
    let value = credential.header_value().clone();
    let insert = MapRequest::new(client.clone(), move |mut request: Request<Body>| {
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, value.clone());
        request
    });
    let tower_http = AddAuthorizationLayer::bearer(&token(length))
        .as_sensitive(true)
        .layer(client.clone());
    let auth = AuthLayer::new(credential).layer(client.clone());
    vec![
        call(client.clone()),
        call(insert),
        call(tower_http),
        call(auth),
    ]
}

/// Sends one request and reads its response to the end.
fn call<S, R>(mut service: S) -> Call
where
    S: Service<Request<Body>, Response = Response<R>> + 'static,
    R: hyper::body::Body,
{
    Box::new(move |runtime| {
        let request = Request::post(format!("{HOST}{REST_PATH}"))
            .header("accept", "application/json")
            .body(Body::new())
            .expect("a request");
        let start = Instant::now();
        runtime.block_on(async {
            let response = service
                .ready()
                .await
                .ok()
                .expect("ready")
                .call(request)
                .await
                .ok()
                .expect("a response");
            response.into_body().collect().await.ok().expect("a body");
        });
        start.elapsed().as_nanos() as f64 / 1000.0
    })
}

fn sample(runtime: &Runtime, calls: &mut [Call], rounds: usize) -> Vec<Vec<f64>> {
    let mut samples = vec![Vec::with_capacity(rounds); calls.len()];
    for round in 0..rounds + rounds / 10 {
        for case in order(round, calls.len()) {
            let micros = calls[case](runtime);
            // The first tenth warms the connection and the branch predictor.
            if round >= rounds / 10 {
                samples[case].push(micros);
            }
        }
    }
    samples
}

fn row(name: &str, samples: &[Vec<f64>]) {
    let medians: Vec<_> = samples
        .iter()
        .map(|case| format!("{:.1}", median(case)))
        .collect();
    println!(
        "| {name} | {} | {} | {} |",
        medians.join(" | "),
        paired(samples, 3),
        paired(samples, 2)
    );
}

/// The median difference to the insert of the same round, with its 95 % confidence interval.
fn paired(samples: &[Vec<f64>], case: usize) -> String {
    let mut differences: Vec<_> = samples[case]
        .iter()
        .zip(&samples[1])
        .map(|(case, insert)| case - insert)
        .collect();
    differences.sort_unstable_by(f64::total_cmp);
    let (count, spread) = (differences.len() as f64, (differences.len() as f64).sqrt());
    let at = |rank: f64| differences[(rank.max(0.0) as usize).min(differences.len() - 1)];
    format!(
        "{:+.2} ({:+.2} to {:+.2})",
        at(count / 2.0),
        at(count / 2.0 - spread),
        at(count / 2.0 + spread)
    )
}
