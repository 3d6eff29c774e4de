//! What the benches share: the requests, the one call that is measured, interleaved rounds,
//! medians.
#![allow(dead_code, reason = "every bench uses its part of it")]

use std::convert::Infallible;
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

/// Requests timed at once: enough to hide the clock, few enough to stay in the cache.
pub(crate) const BATCH: usize = 64;

/// Requests before them that are not timed.
const LEAD: usize = 16;

pub(crate) type Requests = Vec<Request<()>>;

/// How many headers a request has before the layer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Map {
    /// None: the insert allocates the map.
    A,
    /// Six, and the map is exactly full: the insert makes it grow.
    B,
    /// Four: there is room.
    C,
}

/// How a request names its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Scheme, host and path, as HTTP clients take it.
    Absolute,
    /// A path alone, as tonic sends it through the layers.
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

/// A token as long as an IAM token usually is.
pub(crate) fn token(len: usize) -> String {
    "t1."
        .chars()
        .chain("9euelZqUnJ-cnYrHj8iUx53NiZ_O".chars().cycle())
        .take(len)
        .collect()
}

/// The inner service: its future is opaque and keeps the request, as a client's does, and answers
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

/// What is measured: readiness, the call, and the response polled to its end. Callgrind counts
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
        // Where it lies: a caller who moves it pays for that himself, and only where the compiler
        // cannot see through the layer.
        assert!(
            matches!(black_box(&polled), Poll::Ready(Ok(_))),
            "the service answers at once"
        );
    }
}

/// Lets a layer fetch, and its service take its own copy of the header.
pub(crate) fn warm_up<S: Service<Request<()>>>(service: &mut S) {
    for request in requests(Map::C, Target::Absolute, 3) {
        let answer = async { service.ready().await?.call(request).await };
        assert!(
            answer.now_or_never().is_some_and(|result| result.is_ok()),
            "the service answers at once"
        );
    }
}

/// One way to send requests.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn FnMut(&mut Requests)>,
}

impl Case {
    pub(crate) fn new<S, R>(name: &'static str, mut service: S) -> Self
    where
        S: Service<Request<()>, Response = Response<R>> + 'static,
    {
        warm_up(&mut service);
        Self {
            name,
            run: Box::new(move |requests| measured(&mut service, requests)),
        }
    }

    /// Nanoseconds a request, once some have made the processor forget the case before.
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

/// The order of a round: every case once, never twice in a row after the same one.
pub(crate) fn order(round: usize, cases: usize) -> impl Iterator<Item = usize> {
    let coprime = |step: &usize| {
        (2..=*step).all(|factor| !step.is_multiple_of(factor) || !cases.is_multiple_of(factor))
    };
    let steps: Vec<_> = (1..cases.max(2)).filter(coprime).collect();
    let step = steps[round % steps.len()];
    (0..cases).map(move |turn| (round + turn * step) % cases)
}

/// The median of what two lists of samples give round by round.
pub(crate) fn median_of(of: impl Fn(usize) -> f64, rounds: usize) -> f64 {
    median(&(0..rounds).map(of).collect::<Vec<_>>())
}

/// Whether it is `cargo bench` that runs this. `cargo test --benches` wants to see only that it
/// works.
pub(crate) fn is_bench() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// What follows `flag` among the arguments.
pub(crate) fn argument(flag: &str) -> Option<String> {
    std::env::args()
        .skip_while(|argument| argument != flag)
        .nth(1)
}
