//! Faults that a test injects into the responses of a host.

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

/// A fault in the responses of one [`Host`]. See
/// [`FakeCloud::inject`](crate::testing::FakeCloud::inject).
///
/// # Examples
///
/// IAM returns two errors before it recovers, and the metadata service never responds:
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
    /// Responds with an error of this HTTP status in the form of the host: `google.rpc.Status` in
    /// JSON, plain text from the metadata service, and the corresponding gRPC code from
    /// [`Host::Grpc`].
    ///
    /// # Panics
    ///
    /// If `status` is below 100 or above 999.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Status(status_code(status)))
    }

    /// Responds with this status and body to every request. The `Content-Type` is JSON unless
    /// [`header`](Self::header) replaces it.
    ///
    /// # Panics
    ///
    /// If `status` is below 100 or above 999.
    pub fn answer(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(Kind::Answer(status_code(status), body.into()))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// Responds with status 200 and an HTML page, as the login page of a proxy does.
    pub fn garbage() -> Self {
        Self::answer(200, "<!doctype html><title>Log in</title>")
            .header(CONTENT_TYPE, HeaderValue::from_static("text/html"))
    }

    /// Delays the regular response.
    pub fn slow(delay: Duration) -> Self {
        Self::new(Kind::Slow(delay))
    }

    /// Never responds.
    pub fn hang() -> Self {
        Self::new(Kind::Hang)
    }

    /// Closes the connection (in HTTP/2, the stream) without a response.
    pub fn hang_up() -> Self {
        Self::new(Kind::HangUp)
    }

    /// Closes the connection within the body.
    pub fn cut_short() -> Self {
        Self::new(Kind::CutShort)
    }

    /// Responds with headers and never sends the body.
    pub fn stall() -> Self {
        Self::new(Kind::Stall)
    }

    /// Responds with a body that never ends.
    pub fn endless() -> Self {
        Self::new(Kind::Endless)
    }

    /// Limits the fault to this number of requests. Default: no limit, until
    /// [`heal`](crate::testing::FakeCloud::heal) removes it.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// Limits the fault to requests with this path. Default: all requests to the host.
    #[must_use]
    pub fn on_path(self, path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..self
        }
    }

    /// Sets a header of the response, replacing earlier values of that name.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets `Retry-After`: seconds, a date *(RFC 9110 §10.2.3)*, or an invalid text.
    ///
    /// # Panics
    ///
    /// If `value` is not a valid header value.
    #[must_use]
    pub fn retry_after(self, value: &str) -> Self {
        self.header(
            RETRY_AFTER,
            HeaderValue::from_str(value).expect("a valid header value"),
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

    /// Returns the faulty response. Polls the regular response only if the fault delays it.
    pub(crate) async fn apply(
        self,
        host: Host,
        regular: impl Future<Output = Response>,
    ) -> Response {
        let mut response = match self.kind {
            Kind::Slow(delay) => {
                tokio::time::sleep(delay).await;
                regular.await
            }
            Kind::Answer(status, body) => (status, body).into_response(),
            Kind::Status(status) => error_response(host, status),
            Kind::Hang => std::future::pending().await,
            Kind::HangUp => Closed.into_response(),
            Kind::CutShort => {
                let start = stream::iter([Ok(Bytes::from_static(b"{\"iamToken\"")), Err(Closed)]);
                ([(CONTENT_LENGTH, "1000")], Body::from_stream(start)).into_response()
            }
            Kind::Stall => {
                Body::from_stream(stream::pending::<Result<Bytes, Closed>>()).into_response()
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

fn error_response(host: Host, status: StatusCode) -> Response {
    let message = status.canonical_reason().unwrap_or("Injected fault");
    if host == Host::Metadata {
        return (status, message).into_response();
    }
    let mut response = ErrorStatus::new(grpc_code(status), message).into_response();
    *response.status_mut() = status;
    response
}

/// An endless stream of spaces, which a JSON parser accepts before a value.
fn spaces() -> impl Stream<Item = Result<Bytes, Closed>> {
    stream::repeat_with(|| Ok(Bytes::from_static(&[b' '; 4096]))).then(|chunk| async {
        // Lets the thread also serve other requests.
        tokio::task::yield_now().await;
        chunk
    })
}

/// Marks a response in whose place the server closes the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed;

impl IntoResponse for Closed {
    fn into_response(self) -> Response {
        let mut response = ().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fake cloud closed the connection")
    }
}

impl Error for Closed {}

/// The faults of each host, in the order of injection.
#[derive(Default)]
pub(crate) struct Faults(HashMap<Host, Vec<Fault>>);

impl Faults {
    pub(crate) fn inject(&mut self, host: Host, fault: Fault) {
        self.0.entry(host).or_default().push(fault);
    }

    pub(crate) fn heal(&mut self, host: Host) {
        self.0.remove(&host);
    }

    /// The first fault that matches this request and is not used up.
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
