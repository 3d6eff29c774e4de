//! A warm request and a clone allocate nothing. This is the only test of its binary, since the counter counts
//! the allocations of the whole process.

use std::alloc::System;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{HeaderValue, Request, Response, header};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::{Layer, Service};
use yandex_cloud_auth::{AuthLayer, Credential};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Drops the request and responds at once.
#[derive(Clone)]
struct Client;

impl Service<Request<()>> for Client {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        assert!(request.headers().contains_key(header::AUTHORIZATION));
        ready(Ok(Response::new(())))
    }
}

/// A request whose header map has capacity for one more header.
fn request() -> Request<()> {
    let mut request = Request::post(
        "https://serverless-workflows.api.cloud.yandex.net/workflows/v1/execution/start",
    )
    .body(())
    .unwrap();
    for name in [
        "accept",
        "content-type",
        "user-agent",
        "x-client-request-id",
    ] {
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static("x"));
    }
    request
}

fn call<S: Service<Request<()>>>(service: &mut S, request: Request<()>) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))));
    let mut future = pin!(service.call(request));
    while future.as_mut().poll(&mut cx).is_pending() {}
}

fn allocations(work: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    work();
    region.change().allocations
}

#[test]
fn warm_request_and_clone_allocate_nothing() {
    let token = Credential::iam_token("t1.a")
        .unwrap()
        .with_lifetime(Duration::from_secs(43_200));
    for credential in [token, Credential::api_key("AQVN1").unwrap()] {
        let layer = AuthLayer::new(credential);
        let mut service = layer.layer(Client);
        let mut grpc = layer.clone().grpc().layer(Client);
        for _ in 0..3 {
            call(&mut service, request());
            call(&mut grpc, request());
        }
        let requests: Vec<_> = (0..300).map(|_| request()).collect();
        let mut requests = requests.into_iter();
        let mut next = || requests.next().unwrap();
        assert_eq!(
            allocations(|| (0..100).for_each(|_| call(&mut service, next()))),
            0,
            "one service"
        );
        assert_eq!(
            allocations(|| (0..100).for_each(|_| call(&mut grpc, next()))),
            0,
            "a gRPC service"
        );
        assert_eq!(
            allocations(|| (0..100).for_each(|_| call(&mut service.clone(), next()))),
            0,
            "a clone for each request"
        );
        let mut clones = Vec::with_capacity(10_000);
        assert_eq!(
            allocations(|| clones.resize_with(10_000, || service.clone())),
            0,
            "clones that are kept"
        );
    }
}
