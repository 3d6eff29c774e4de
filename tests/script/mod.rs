//! A transport that answers by a script and keeps what it was asked.
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

/// Answers in order; the last repeats. Clones are one script.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<State>>);

struct State {
    answers: VecDeque<Answer>,
    asked: Vec<Request<Bytes>>,
}

#[derive(Clone)]
enum Answer {
    Error(&'static str),
    Hang,
    Reply(Response<Bytes>),
}

impl Script {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            answers: VecDeque::new(),
            asked: Vec::new(),
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
        self.push(Answer::Reply(response.body(body.into().into()).unwrap()))
    }

    pub(crate) fn fail(self, text: &'static str) -> Self {
        self.push(Answer::Error(text))
    }

    pub(crate) fn hang(self) -> Self {
        self.push(Answer::Hang)
    }

    fn push(self, answer: Answer) -> Self {
        self.0.lock().unwrap().answers.push_back(answer);
        self
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }

    /// The request asked as number `n`, counted from 0.
    pub(crate) fn asked(&self, n: usize) -> Request<Bytes> {
        self.0.lock().unwrap().asked[n].clone()
    }

    fn next(&self, request: Request<Bytes>) -> Answer {
        let mut state = self.0.lock().unwrap();
        state.asked.push(request);
        if state.answers.len() > 1 {
            state.answers.pop_front()
        } else {
            state.answers.front().cloned()
        }
        .expect("an answer")
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
                Answer::Error(text) => Err(text.into()),
                Answer::Hang => std::future::pending().await,
                Answer::Reply(response) => Ok(response.map(Full::new)),
            }
        })
    }
}

/// An answer of IAM's that lives for so many seconds from now.
pub(crate) fn iam_token(token: &str, seconds: u64) -> String {
    let end = SystemTime::now() + Duration::from_secs(seconds);
    let end = jiff::Timestamp::try_from(end).unwrap();
    format!(r#"{{"iamToken":"{token}","expiresAt":"{end}"}}"#)
}

/// The value of a `Date` header so many seconds from now.
pub(crate) fn date(seconds: i64) -> String {
    let by = Duration::from_secs(seconds.unsigned_abs());
    httpdate::fmt_http_date(if seconds < 0 {
        SystemTime::now() - by
    } else {
        SystemTime::now() + by
    })
}

/// All that may be printed of an error or a value.
pub(crate) fn printed(value: &(impl Debug + ToString)) -> String {
    format!("{} {value:?} {value:#?}", value.to_string())
}
