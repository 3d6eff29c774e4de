//! What can go wrong with an answer, on demand.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};

use crate::testing::cloud::wire::host::Host;
use crate::testing::cloud::wire::status::{ErrorStatus, grpc_code};

/// Something that goes wrong with the answers of one [`Host`], until it is healed or has happened
/// often enough.
///
/// # Examples
///
/// IAM is overloaded twice, then well again; the metadata service hangs for good:
///
/// ```
/// use yandex_cloud_auth::testing::{FakeCloud, Fault, Host};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let cloud = FakeCloud::start().await;
/// cloud.inject(Host::Iam, Fault::status(503).retry_after("7").times(2));
/// cloud.inject(Host::Metadata, Fault::hang());
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    kind: Kind,
    headers: HeaderMap,
    path: Option<String>,
    times: Option<u32>,
}

#[derive(Clone, Debug)]
enum Kind {
    Answer(StatusCode, Bytes),
    CutShort,
    Endless,
    Hang,
    HangUp,
    Slow(Duration),
    Stall,
    Status(StatusCode),
}

impl Fault {
    /// An error of this HTTP status, worded as that host words errors: `google.rpc.Status`, plain
    /// text from the metadata service, and as gRPC the code that belongs to the status.
    ///
    /// # Panics
    ///
    /// On what is no HTTP status, below 100 or above 999.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Status(status_code(status)))
    }

    /// This answer, whatever was asked. Its `Content-Type` is JSON unless another is
    /// [given](Self::header).
    ///
    /// # Panics
    ///
    /// On what is no HTTP status, below 100 or above 999.
    pub fn answer(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(Kind::Answer(status_code(status), body.into()))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// A success that is no JSON: the login page of somebody's proxy.
    pub fn garbage() -> Self {
        Self::answer(200, "<!doctype html><title>Log in</title>")
            .header(CONTENT_TYPE, HeaderValue::from_static("text/html"))
    }

    /// The right answer, this much later.
    pub fn slow(delay: Duration) -> Self {
        Self::new(Kind::Slow(delay))
    }

    /// No answer, ever.
    pub fn hang() -> Self {
        Self::new(Kind::Hang)
    }

    /// The connection closes without an answer; of HTTP/2, the stream.
    pub fn hang_up() -> Self {
        Self::new(Kind::HangUp)
    }

    /// The connection closes within the body.
    pub fn cut_short() -> Self {
        Self::new(Kind::CutShort)
    }

    /// Headers, and a body that never comes.
    pub fn stall() -> Self {
        Self::new(Kind::Stall)
    }

    /// A body that never ends.
    pub fn endless() -> Self {
        Self::new(Kind::Endless)
    }

    /// Happens so often, then is over. Default: until [healed](crate::testing::FakeCloud::heal).
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// Happens to requests for this path only. Default: to all of the host.
    #[must_use]
    pub fn on_path(self, path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..self
        }
    }

    /// Carries this header, in place of what it had of that name.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Carries `Retry-After`: seconds, a date, or what else a server might write there *(RFC 9110
    /// §10.2.3)*.
    ///
    /// # Panics
    ///
    /// On text that no header may carry.
    #[must_use]
    pub fn retry_after(self, value: &str) -> Self {
        self.header(
            RETRY_AFTER,
            HeaderValue::from_str(value).expect("text that a header may carry"),
        )
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            headers: HeaderMap::new(),
            path: None,
            times: None,
        }
    }

    /// What happens instead of, or before, the right answer.
    pub(crate) async fn play(
        self,
        host: Host,
        right_answer: impl Future<Output = Response>,
    ) -> Response {
        let mut response = match self.kind {
            Kind::Slow(delay) => {
                tokio::time::sleep(delay).await;
                right_answer.await
            }
            Kind::Answer(status, body) => (status, body).into_response(),
            Kind::Status(status) => wrong_status(host, status),
            Kind::Hang => std::future::pending().await,
            Kind::HangUp => HungUp.into_response(),
            Kind::CutShort => {
                let piece = stream::iter([Ok(Bytes::from_static(b"{\"iamToken\"")), Err(HungUp)]);
                ([(CONTENT_LENGTH, "1000")], Body::from_stream(piece)).into_response()
            }
            Kind::Stall => {
                Body::from_stream(stream::pending::<Result<Bytes, HungUp>>()).into_response()
            }
            Kind::Endless => Body::from_stream(spaces()).into_response(),
        };
        response.headers_mut().extend(self.headers);
        response
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("an HTTP status")
}

fn wrong_status(host: Host, status: StatusCode) -> Response {
    let words = status.canonical_reason().unwrap_or("Injected fault");
    if host == Host::Metadata {
        return (status, words).into_response();
    }
    let mut response = ErrorStatus::new(grpc_code(status), words).into_response();
    *response.status_mut() = status;
    response
}

/// White space without end, which a JSON reader takes patiently.
fn spaces() -> impl Stream<Item = Result<Bytes, HungUp>> {
    stream::repeat_with(|| Ok(Bytes::from_static(&[b' '; 4096]))).then(|piece| async {
        // So that one endless answer does not keep the others from being served.
        tokio::task::yield_now().await;
        piece
    })
}

/// Marks a response that is not to be sent: the connection closes in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HungUp;

impl IntoResponse for HungUp {
    fn into_response(self) -> Response {
        let mut response = ().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl fmt::Display for HungUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fake cloud hung up")
    }
}

impl Error for HungUp {}

/// The faults of every host, in the order they were injected.
#[derive(Default)]
pub(crate) struct Faults(HashMap<Host, Vec<Fault>>);

impl Faults {
    pub(crate) fn inject(&mut self, host: Host, fault: Fault) {
        self.0.entry(host).or_default().push(fault);
    }

    pub(crate) fn heal(&mut self, host: Host) {
        self.0.remove(&host);
    }

    /// The first fault that is for this request and not used up.
    pub(crate) fn next(&mut self, host: Host, path: &str) -> Option<Fault> {
        let faults = self.0.get_mut(&host)?;
        faults.retain(|fault| fault.times != Some(0));
        let fault = faults
            .iter_mut()
            .find(|fault| fault.path.as_deref().is_none_or(|only| only == path))?;
        fault.times = fault.times.map(|times| times - 1);
        Some(fault.clone())
    }
}
