//! Layers that make requests wait or refuse them: `Buffer`, `ConcurrencyLimit`, `RateLimit` and
//! `LoadShed`.

use futures_util::FutureExt;
use tokio::time::Instant;
use tower::buffer::BufferLayer;
use tower::limit::{ConcurrencyLimitLayer, RateLimitLayer};
use tower::load_shed::LoadShedLayer;
use tower::load_shed::error::Overloaded;
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt};
use yandex_cloud_auth::AuthLayer;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

/// Starts a request that waits for a credential, then one that needs none. Returns how long the
/// latter takes.
async fn time_beside_waiting<S>(stack: S) -> Duration
where
    S: Service<Request<String>, Response = Response<String>, Error: Into<BoxError>> + Clone,
{
    let mut waiting = Box::pin(stack.clone().oneshot(request()));
    assert!(waiting.as_mut().now_or_never().is_none());
    let start = Instant::now();
    let other = async {
        let response = stack.oneshot(anonymous()).await;
        assert_eq!(response.map_err(Into::into).unwrap().status(), 200);
        start.elapsed()
    };
    let (_, time) = tokio::join!(waiting, other);
    time
}

#[tokio::test(start_paused = true)]
async fn buffer_outside_serves_others() {
    says(
        "`Buffer`",
        "outside",
        "A request that waits for a credential holds no slot of the buffer.",
    );
    let stack = ServiceBuilder::new()
        .buffer(1)
        .layer(AuthLayer::new(slow_token()))
        .service(Client::default().service());
    assert!(time_beside_waiting(stack).await < FETCH);
}

#[tokio::test(start_paused = true)]
async fn waiting_request_holds_slot_of_inner_buffer() {
    says(
        "`Buffer`",
        "inside",
        "A request that waits for a credential holds a slot of the buffer.",
    );
    let buffer = BufferLayer::new(1).layer(Client::default().service());
    let stack = AuthLayer::new(slow_token()).layer(buffer);
    assert!(time_beside_waiting(stack).await >= FETCH);
}

#[tokio::test(start_paused = true)]
async fn waiting_request_holds_outer_permit() {
    says(
        "`ConcurrencyLimit`",
        "outside",
        "A request that waits for a credential holds a permit.",
    );
    let stack = ServiceBuilder::new()
        .concurrency_limit(1)
        .layer(AuthLayer::new(slow_token()))
        .service(Client::default().service());
    assert!(time_beside_waiting(stack).await >= FETCH);
}

#[tokio::test(start_paused = true)]
async fn waiting_request_holds_inner_permit() {
    says(
        "`ConcurrencyLimit`",
        "inside",
        "A request that waits for a credential holds a permit: `poll_ready` takes it before there is a request. One that is not sent returns it.",
    );
    let limited = || ConcurrencyLimitLayer::new(1).layer(Client::default().service());
    let stack = AuthLayer::new(slow_token()).layer(limited());
    assert!(time_beside_waiting(stack).await >= FETCH);

    let mut stack = AuthLayer::new(token("t1.a")).layer(limited());
    for _ in 0..3 {
        let ready = stack.ready().await.unwrap();
        ready.call(denied()).await.unwrap_err();
    }
}

/// The time that a request takes after one that the policy denies.
async fn time_after_denied<S>(mut stack: S) -> Duration
where
    S: Service<Request<String>, Response = Response<String>, Error = BoxError>,
{
    let start = Instant::now();
    let ready = stack.ready().await.unwrap();
    ready.call(denied()).await.unwrap_err();
    let ready = stack.ready().await.unwrap();
    ready.call(request()).await.unwrap();
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn rate_limit_outside_counts_denied_requests() {
    says(
        "`RateLimit`",
        "outside",
        "Requests that the layer does not send count, too.",
    );
    let stack = ServiceBuilder::new()
        .rate_limit(1, MINUTE)
        .layer(AuthLayer::new(token("t1.a")))
        .service(Client::default().service());
    assert!(time_after_denied(stack).await >= MINUTE);
}

#[tokio::test(start_paused = true)]
async fn rate_limit_inside_counts_sent_requests() {
    says(
        "`RateLimit`",
        "inside",
        "It is not `Clone`, so place a `Buffer` between it and the layer. Only requests that are sent count.",
    );
    let stack = ServiceBuilder::new()
        .layer(AuthLayer::new(token("t1.a")))
        .layer(BufferLayer::new(8))
        .layer(RateLimitLayer::new(1, MINUTE))
        .service(Client::default().service());
    assert!(time_after_denied(stack).await < MINUTE);
}

#[tokio::test(start_paused = true)]
async fn load_shed_outside_sheds_no_waiting_request() {
    says(
        "`LoadShed`",
        "outside",
        "A request that waits for a credential is not shed: `poll_ready` reports the client only.",
    );
    let stack = ServiceBuilder::new()
        .load_shed()
        .layer(AuthLayer::new(slow_token()))
        .service(Client::default().service());
    stack.oneshot(request()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn load_shed_over_limit_sheds_while_others_wait() {
    says(
        "`LoadShed` over `ConcurrencyLimit`",
        "outside",
        "Requests that wait for a credential hold the permits, and further requests are shed.",
    );
    let stack = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .layer(AuthLayer::new(slow_token()))
        .service(Client::default().service());
    let mut waiting = Box::pin(stack.clone().oneshot(request()));
    assert!(waiting.as_mut().now_or_never().is_none());
    let error = stack.oneshot(request()).await.unwrap_err();
    assert!(error.is::<Overloaded>(), "{error}");
    waiting.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn load_shed_inside_sheds_after_waiting() {
    says(
        "`LoadShed`",
        "inside",
        "A request waits for a credential first. It is then shed if the client was not ready when it was made.",
    );
    let busy = ConcurrencyLimitLayer::new(1).layer(Client::default().service());
    let mut holder = busy.clone();
    let _permit = holder.ready().await.unwrap();
    let stack = AuthLayer::new(slow_token()).layer(LoadShedLayer::new().layer(busy));
    let start = Instant::now();
    let error = stack.oneshot(request()).await.unwrap_err();
    assert!(error.is::<Overloaded>(), "{error}");
    assert!(start.elapsed() >= FETCH);
}
