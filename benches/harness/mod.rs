//! Shared by the benches: requests, the measured call, interleaved rounds, medians.
#![allow(dead_code, reason = "each bench uses a part of it")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures_util::FutureExt;
use http::{HeaderValue, Request, Response};
use tower::{Service, ServiceExt};

pub(crate) const HOST: &str = "https://serverless-workflows.api.cloud.yandex.net";
pub(crate) const REST_PATH: &str = "/workflows/v1/execution/start";
pub(crate) const GRPC_PATH: &str = "/yandex.cloud.serverless.workflows.v1.ExecutionService/Start";

/// Requests per time measurement: enough that the clock's cost does not count, few enough to stay
/// in the processor's cache.
pub(crate) const BATCH: usize = 64;

/// Requests before each measurement, which are not timed.
const LEAD: usize = 16;

pub(crate) type Requests = Vec<Request<()>>;

/// How many headers a request has before the layer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Map {
    /// None. The insert allocates the map.
    A,
    /// Six. The map is full, and the insert makes it grow.
    B,
    /// Four. The map has free capacity.
    C,
}

/// How a request names its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Scheme, host and path, as HTTP clients take it.
    Absolute,
    /// A path alone, as tonic passes it through the layers.
    NoAuthority,
}

impl Map {
    const fn headers(self) -> &'static [&'static str] {
        match self {
            Self::A => &[],
            Self::B => &[
                "accept",
                "content-type",
                "user-agent",
                "x-client-request-id",
                "traceparent",
                "tracestate",
            ],
            Self::C => &[
                "accept",
                "content-type",
                "user-agent",
                "x-client-request-id",
            ],
        }
    }
}

/// How a case is compiled into the program that calls it. A user's program may look like any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// [`measured`] over [`client`]: the service is inlined into the loop over the requests.
    Own,
    /// [`measured_alone`] over [`client`]: one function sends one request, and a closure behind a
    /// `Box<dyn FnMut>` calls it.
    Boxed,
    /// [`measured_alone`] over [`ready_client`].
    BoxedReady,
}

pub(crate) const SHAPES: [Shape; 3] = [Shape::Own, Shape::Boxed, Shape::BoxedReady];

impl Shape {
    /// The column of a table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Boxed => "boxed + opaque",
            Self::BoxedReady => "boxed + ready",
        }
    }
}

pub(crate) fn request(map: Map, target: Target) -> Request<()> {
    let uri = match target {
        Target::Absolute => format!("{HOST}{REST_PATH}"),
        Target::NoAuthority => GRPC_PATH.to_owned(),
    };
    let mut request = Request::post(uri).body(()).expect("a valid request");
    for name in map.headers() {
        request
            .headers_mut()
            .insert(*name, HeaderValue::from_static("x"));
    }
    request
}

pub(crate) fn requests(map: Map, target: Target, count: usize) -> Requests {
    (0..count).map(|_| request(map, target)).collect()
}

/// A token of this length in the format of an IAM token.
pub(crate) fn token(len: usize) -> String {
    "t1."
        .chars()
        .chain("9euelZqUnJ-cnYrHj8iUx53NiZ_O".chars().cycle())
        .take(len)
        .collect()
}

/// The inner service. As with a real client, its future is opaque, owns the request, and completes
/// when it is polled.
pub(crate) fn client()
-> impl Service<Request<()>, Response = Response<()>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    tower::service_fn(|request: Request<()>| async move {
        drop(request);
        Ok(Response::new(()))
    })
}

/// An inner service that drops the request at once. Its future is the response, of 112 bytes.
pub(crate) fn ready_client() -> impl Service<
    Request<()>,
    Response = Response<()>,
    Error = Infallible,
    Future = Ready<Result<Response<()>, Infallible>>,
> + Clone
+ Send
+ Sync
+ 'static {
    const { assert!(size_of::<Ready<Result<Response<()>, Infallible>>>() == 112) };
    tower::service_fn(|_: Request<()>| ready(Ok(Response::new(()))))
}

/// What is measured: readiness, the call, and polling the response to completion. Callgrind counts
/// inside this function only.
#[inline(never)]
pub(crate) fn measured<S, R>(service: &mut S, requests: &mut Requests)
where
    S: Service<Request<()>, Response = Response<R>>,
{
    let mut cx = Context::from_waker(Waker::noop());
    for request in requests.drain(..) {
        assert!(
            matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))),
            "the service is ready"
        );
        let polled = pin!(service.call(request)).poll(&mut cx);
        // By reference: moving the response would add a cost that is not the layer's.
        assert!(
            matches!(black_box(&polled), Poll::Ready(Ok(_))),
            "the service responds at once"
        );
    }
}

/// The same for one request, in a function that is compiled by itself.
#[inline(never)]
pub(crate) fn measured_alone<S>(
    service: &mut S,
    request: Request<()>,
) -> Result<S::Response, S::Error>
where
    S: Service<Request<()>>,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(
        matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))),
        "the service is ready"
    );
    let mut response = pin!(service.call(request));
    loop {
        if let Poll::Ready(result) = response.as_mut().poll(&mut cx) {
            return result;
        }
    }
}

/// Makes the layer fetch its credential, and its service copy the header value.
pub(crate) fn warm_up<S: Service<Request<()>>>(service: &mut S) {
    for request in requests(Map::C, Target::Absolute, 3) {
        let response = async { service.ready().await?.call(request).await };
        assert!(
            response.now_or_never().is_some_and(|result| result.is_ok()),
            "the service responds at once"
        );
    }
}

/// One way to send requests, in one shape.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn FnMut(&mut Requests)>,
}

impl Case {
    pub(crate) fn new<S, R>(shape: Shape, name: &'static str, mut service: S) -> Self
    where
        S: Service<Request<()>, Response = Response<R>> + 'static,
    {
        warm_up(&mut service);
        let run: Box<dyn FnMut(&mut Requests)> = match shape {
            Shape::Own => Box::new(move |requests| measured(&mut service, requests)),
            Shape::Boxed | Shape::BoxedReady => Box::new(move |requests| {
                for request in requests.drain(..) {
                    let result = measured_alone(&mut service, request);
                    assert!(black_box(&result).is_ok(), "the service responds");
                }
            }),
        };
        Self { name, run }
    }

    /// Nanoseconds per request, after some that remove the traces of the case before from the
    /// processor's caches.
    pub(crate) fn time(&mut self, map: Map, target: Target) -> f64 {
        (self.run)(&mut requests(map, target, LEAD));
        let mut requests = requests(map, target, BATCH);
        let start = Instant::now();
        (self.run)(&mut requests);
        nanos_each(start, BATCH)
    }
}

pub(crate) fn nanos_each(start: Instant, count: usize) -> f64 {
    start.elapsed().as_nanos() as f64 / count as f64
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

pub(crate) fn quantile(values: &[f64], at: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let index = (sorted.len() as f64 * at) as usize;
    sorted
        .get(index.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// The order of the cases in a round: each once, after a different predecessor in each round.
pub(crate) fn order(round: usize, cases: usize) -> impl Iterator<Item = usize> {
    let coprime =
        |step: &usize| (2..=*step).all(|factor| step % factor != 0 || cases % factor != 0);
    let steps: Vec<_> = (1..cases.max(2)).filter(coprime).collect();
    let step = steps[round % steps.len()];
    (0..cases).map(move |turn| (round + turn * step) % cases)
}

/// The median of a value that is computed for each round.
pub(crate) fn median_of(of: impl Fn(usize) -> f64, rounds: usize) -> f64 {
    median(&(0..rounds).map(of).collect::<Vec<_>>())
}

/// Whether `cargo bench` runs this. `cargo test --benches` only checks that it runs.
pub(crate) fn is_bench() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// The argument after `flag`.
pub(crate) fn argument(flag: &str) -> Option<String> {
    std::env::args()
        .skip_while(|argument| argument != flag)
        .nth(1)
}
