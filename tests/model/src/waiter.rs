//! Callers that are polled by hand, and only when they were woken.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Request, Response};
use tower::Service;
use yandex_cloud_auth::Credential;

use crate::event::Via;

/// What a call returns. A request has a credential only where it was sent.
pub(crate) type CallResult = Result<Option<Credential>, String>;
type Call = Pin<Box<dyn Future<Output = CallResult>>>;

pub(crate) struct Waiter {
    pub(crate) via: Via,
    /// Since when it waits, by the timers of the runtime. `None` before it was polled on a runtime.
    pub(crate) since: Option<Duration>,
    /// Its request was sent, so it waits for the server.
    pub(crate) is_sent: bool,
    call: Call,
    woken: Arc<Flag>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Waiter {
    pub(crate) fn new(via: Via, call: impl Future<Output = CallResult> + 'static) -> Self {
        Self {
            via,
            since: None,
            is_sent: false,
            call: Box::pin(call),
            woken: Arc::new(Flag(AtomicBool::new(true))),
        }
    }

    /// Whether it is to be polled. One that was first polled outside of a runtime has no timer, so
    /// it is polled at each step.
    pub(crate) fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst)
    }

    pub(crate) fn poll(&mut self) -> Poll<CallResult> {
        self.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        self.call.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

/// A server that answers each request when a test says so.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<Vec<Open>>>);

/// A request that was sent.
#[derive(Clone)]
pub(crate) struct Open {
    /// The number of its credential.
    pub(crate) number: usize,
    reply: Arc<Mutex<Reply>>,
}

#[derive(Default)]
struct Reply {
    is_rejected: Option<bool>,
    waker: Option<Waker>,
}

impl Server {
    /// The requests sent since the last call.
    pub(crate) fn take(&self) -> Vec<Open> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Open {
    pub(crate) fn respond(&self, is_rejected: bool) {
        let mut reply = self.reply.lock().unwrap();
        reply.is_rejected = Some(is_rejected);
        if let Some(waker) = reply.waker.take() {
            waker.wake();
        }
    }

    /// Whether the caller still waits for the response.
    pub(crate) fn has_caller(&self) -> bool {
        Arc::strong_count(&self.reply) > 1
    }
}

impl Service<Request<()>> for Server {
    type Response = Response<()>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let reply = Arc::<Mutex<Reply>>::default();
        self.0.lock().unwrap().push(Open {
            number: number(request.headers()[AUTHORIZATION].to_str().unwrap()),
            reply: Arc::clone(&reply),
        });
        Box::pin(std::future::poll_fn(move |cx| {
            let mut reply = reply.lock().unwrap();
            let Some(is_rejected) = reply.is_rejected else {
                reply.waker = Some(cx.waker().clone());
                return Poll::Pending;
            };
            let status = if is_rejected { 401 } else { 200 };
            Poll::Ready(Ok(Response::builder().status(status).body(()).unwrap()))
        }))
    }
}

/// The number of the credential with this header value.
pub(crate) fn number(value: &str) -> usize {
    let (_, number) = value.split_once("t1.").expect("a token of the source");
    number.parse().expect("a number")
}
