//! What carrying the header costs on HTTP/2 and HTTP/1.1, by the length of its value: bytes, time
//! and processor time. No layer is measured: the requests have the header already. See
//! `benches/README.md`.

#[path = "harness/mod.rs"]
mod harness;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tower::util::BoxCloneSyncService;

use harness::{REST_PATH, is_bench, median_of, order};

/// Requests of one measurement of processor time, on each of `IN_FLIGHT` loops.
const REQUESTS: usize = 50;

const IN_FLIGHT: usize = 32;

type Io = TokioIo<Counted>;
type Connector = BoxCloneSyncService<Uri, Io, io::Error>;

fn main() {
    let (serial_rounds, parallel_rounds) = if is_bench() { (4000, 60) } else { (2, 2) };
    let url = format!("http://{}{REST_PATH}", serve());
    let runtime = runtime();
    let mut cases = cases(&url);
    for case in &mut cases {
        case.warm_up(&runtime);
    }
    for round in 0..serial_rounds {
        for index in order(round, cases.len()) {
            cases[index].time_one(&runtime);
        }
    }
    for round in 0..parallel_rounds {
        for index in order(round, cases.len()) {
            cases[index].time_many(&runtime);
        }
    }
    print(&cases);
}

/// Requests of one kind, over connections of their own.
struct Case {
    name: String,
    /// The case of the same version without a header.
    base: usize,
    value: Option<HeaderValue>,
    url: Uri,
    client: Client<Connector, Empty<Bytes>>,
    sent: Arc<AtomicU64>,
    bytes: f64,
    /// Microseconds, one request at a time.
    times: Vec<f64>,
    /// Microseconds of processor time per request with `IN_FLIGHT` in flight.
    in_client: Vec<f64>,
    in_both: Vec<f64>,
}

fn cases(url: &str) -> Vec<Case> {
    let values = || {
        let values = [("Api-Key", 40), ("Bearer", 300), ("Bearer", 1000)]
            .map(|(scheme, len)| [true, false].map(|sensitive| Some((scheme, len, sensitive))));
        [None].into_iter().chain(values.into_iter().flatten())
    };
    let mut cases = Vec::new();
    for http2 in [true, false] {
        let base = cases.len();
        cases.extend(values().map(|value| Case::new(url, http2, base, value)));
    }
    cases
}

impl Case {
    fn new(url: &str, http2: bool, base: usize, value: Option<(&str, usize, bool)>) -> Self {
        let version = if http2 { "HTTP/2" } else { "HTTP/1.1" };
        let name = match value {
            None => format!("{version}, no header"),
            Some((scheme, length, sensitive)) => {
                let not = if sensitive { "" } else { "not " };
                format!("{version}, {scheme}, {length} characters, {not}sensitive")
            }
        };
        let sent = Arc::new(AtomicU64::new(0));
        let client = Client::builder(TokioExecutor::new())
            .http2_only(http2)
            .build(connector(&sent));
        Self {
            name,
            base,
            value: value.map(|(scheme, length, sensitive)| {
                let text = format!("{scheme} {}", token(length));
                let mut value = HeaderValue::try_from(text).expect("a header value");
                value.set_sensitive(sensitive);
                value
            }),
            url: url.parse().expect("a URI"),
            client,
            sent,
            bytes: 0.0,
            times: Vec::new(),
            in_client: Vec::new(),
            in_both: Vec::new(),
        }
    }

    /// Connects, fills the tables of header compression, and counts the bytes of later requests.
    fn warm_up(&mut self, runtime: &Runtime) {
        const COUNT: u64 = 100;
        runtime.block_on(self.send_some(20));
        let before = self.sent.load(Ordering::Relaxed);
        runtime.block_on(self.send_some(COUNT));
        let bytes = self.sent.load(Ordering::Relaxed) - before;
        self.bytes = bytes as f64 / COUNT as f64;
        runtime.block_on(self.send_in_parallel());
    }

    fn time_one(&mut self, runtime: &Runtime) {
        let start = Instant::now();
        runtime.block_on(self.send_some(1));
        self.times.push(start.elapsed().as_secs_f64() * 1e6);
    }

    fn time_many(&mut self, runtime: &Runtime) {
        let start = ProcessorTimes::now();
        runtime.block_on(self.send_in_parallel());
        let end = ProcessorTimes::now();
        let each = |time: Duration| time.as_secs_f64() * 1e6 / (IN_FLIGHT * REQUESTS) as f64;
        self.in_client.push(each(end.thread - start.thread));
        self.in_both.push(each(end.process - start.process));
    }

    async fn send_in_parallel(&self) {
        join_all((0..IN_FLIGHT).map(|_| self.send_some(REQUESTS as u64))).await;
    }

    async fn send_some(&self, count: u64) {
        for _ in 0..count {
            let response = self
                .client
                .request(self.request())
                .await
                .expect("a response");
            response.into_body().collect().await.expect("a body");
        }
    }

    fn request(&self) -> Request<Empty<Bytes>> {
        let mut request = Request::post(self.url.clone())
            .header(header::ACCEPT, "application/json")
            .body(Empty::new())
            .expect("a request");
        if let Some(value) = &self.value {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, value.clone());
        }
        request
    }
}

/// A token of this length from an alphabet that is used as evenly as that of a real one, since
/// HTTP/2 compresses characters by their frequency.
fn token(length: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = 1_u64;
    let character = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(ALPHABET[(state >> 58) as usize])
    };
    (0..length).map(character).collect()
}

fn print(cases: &[Case]) {
    println!(
        "medians; bytes that the client sends per request; µs of a request, one at a time; µs of \
         processor time per request with {IN_FLIGHT} in flight\n"
    );
    println!(
        "| | bytes | over no header | µs | over no header | client | server | both, over no header |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for case in cases {
        let base = &cases[case.base];
        let time = median_of(|round| case.times[round], case.times.len());
        let added = median_of(
            |round| case.times[round] - base.times[round],
            case.times.len(),
        );
        let rounds = case.in_both.len();
        let client = median_of(|round| case.in_client[round], rounds);
        let server = median_of(|round| case.in_both[round] - case.in_client[round], rounds);
        let both = median_of(|round| case.in_both[round] / base.in_both[round], rounds);
        println!(
            "| {} | {:.0} | {:+.0} | {time:.1} | {added:+.1} | {client:.1} | {server:.1} | {:+.0} % |",
            case.name,
            case.bytes,
            case.bytes - base.bytes,
            (both - 1.0) * 100.0
        );
    }
}

/// Processor time of this thread, which runs the clients, and of all threads.
struct ProcessorTimes {
    thread: Duration,
    process: Duration,
}

impl ProcessorTimes {
    #[cfg(unix)]
    fn now() -> Self {
        use nix::time::{ClockId, clock_gettime};
        let read = |clock| {
            clock_gettime(clock)
                .expect("a clock of this process")
                .into()
        };
        Self {
            thread: read(ClockId::CLOCK_THREAD_CPUTIME_ID),
            process: read(ClockId::CLOCK_PROCESS_CPUTIME_ID),
        }
    }

    #[cfg(not(unix))]
    fn now() -> Self {
        Self {
            thread: Duration::ZERO,
            process: Duration::ZERO,
        }
    }
}

fn connector(sent: &Arc<AtomicU64>) -> Connector {
    let sent = Arc::clone(sent);
    BoxCloneSyncService::new(tower::service_fn(move |uri: Uri| {
        let sent = Arc::clone(&sent);
        async move {
            let address = uri.authority().map(ToString::to_string).unwrap_or_default();
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(Counted { stream, sent }))
        }
    }))
}

/// A stream that counts the bytes that it sends.
struct Counted {
    stream: TcpStream,
    sent: Arc<AtomicU64>,
}

impl Connection for Counted {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.sent.fetch_add(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A server with a short response to every request, on its own thread and runtime.
fn serve() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener
        .set_nonblocking(true)
        .expect("a socket that does not block");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        runtime().block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("a TCP stream");
                let service = TowerToHyperService::new(tower::service_fn(respond));
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

async fn respond<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = Bytes::from_static(b"{\"executionId\":\"dfq1\"}");
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(response)
}
