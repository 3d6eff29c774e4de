//! A transport with scripted responses that records its requests.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::VecDeque;
use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::Service;

type BoxError = Box<dyn Error + Send + Sync>;

/// Returns its responses in order, and repeats the last one. Clones share the script.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<State>>);

struct State {
    steps: VecDeque<Step>,
    requests: Vec<Request<Bytes>>,
}

#[derive(Clone)]
enum Step {
    Error(&'static str),
    Hang,
    Reply(Response<Bytes>),
}

impl Script {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            steps: VecDeque::new(),
            requests: Vec::new(),
        })))
    }

    pub(crate) fn reply(self, status: u16, body: impl Into<String>) -> Self {
        self.reply_with(status, &[], body)
    }

    pub(crate) fn reply_with(
        self,
        status: u16,
        headers: &[(&str, &str)],
        body: impl Into<String>,
    ) -> Self {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        self.push(Step::Reply(response.body(body.into().into()).unwrap()))
    }

    pub(crate) fn fail(self, text: &'static str) -> Self {
        self.push(Step::Error(text))
    }

    pub(crate) fn hang(self) -> Self {
        self.push(Step::Hang)
    }

    fn push(self, step: Step) -> Self {
        self.0.lock().unwrap().steps.push_back(step);
        self
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.lock().unwrap().requests.len()
    }

    /// The request number `n`, counted from 0.
    pub(crate) fn request(&self, n: usize) -> Request<Bytes> {
        self.0.lock().unwrap().requests[n].clone()
    }

    fn next(&self, request: Request<Bytes>) -> Step {
        let mut state = self.0.lock().unwrap();
        state.requests.push(request);
        if state.steps.len() > 1 {
            state.steps.pop_front()
        } else {
            state.steps.front().cloned()
        }
        .expect("a step")
    }
}

impl Service<Request<Full<Bytes>>> for Script {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let script = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            match script.next(Request::from_parts(head, body)) {
                Step::Error(text) => Err(text.into()),
                Step::Hang => std::future::pending().await,
                Step::Reply(response) => Ok(response.map(Full::new)),
            }
        })
    }
}

/// A response of IAM with a token that lives this many seconds from now.
pub(crate) fn iam_token(token: &str, seconds: u64) -> String {
    let end = SystemTime::now() + Duration::from_secs(seconds);
    let end = jiff::Timestamp::try_from(end).unwrap();
    format!(r#"{{"iamToken":"{token}","expiresAt":"{end}"}}"#)
}

/// The value of a `Date` header this many seconds from now.
pub(crate) fn date(seconds: i64) -> String {
    let by = Duration::from_secs(seconds.unsigned_abs());
    httpdate::fmt_http_date(if seconds < 0 {
        SystemTime::now() - by
    } else {
        SystemTime::now() + by
    })
}

/// Everything that an error or a value prints.
pub(crate) fn printed(value: &(impl Debug + ToString)) -> String {
    format!("{} {value:?} {value:#?}", value.to_string())
}
