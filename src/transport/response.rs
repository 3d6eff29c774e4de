//! A response: its head, and a body of bounded size.

use std::borrow::Cow;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, DATE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode, Uri};
use http_body::Body;
use http_body_util::BodyExt;
use zeroize::Zeroizing;

use crate::error::{BoxError, with_causes};
use crate::redact;

/// The longest body that is read. A token response has less than 2 KiB.
const MAX_BODY_LEN: usize = 64 * 1024;

/// A local clock with a larger error than this is not used.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

/// A response that was read to its end.
pub(crate) struct Response {
    /// The URL of the request, redacted.
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body, which may contain a token, or why there is none.
    pub(crate) body: Result<Zeroizing<Vec<u8>>, Cow<'static, str>>,
    /// The local wall clock when the head arrived.
    received_at: SystemTime,
}

impl Response {
    /// Reads the response, but not the body of a redirect or an encoded one.
    pub(crate) async fn read<B>(url: String, response: http::Response<B>) -> Self
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let received_at = SystemTime::now();
        let (head, body) = response.into_parts();
        let body = if head.status.is_redirection() {
            Err(redirection(&head.headers))
        } else if head.headers.contains_key(CONTENT_ENCODING) {
            Err("its body is encoded, which was not requested".into())
        } else {
            read_body(body).await
        };
        Self {
            url,
            status: head.status,
            headers: head.headers,
            body,
            received_at,
        }
    }

    /// The time of the server, if the local clock was off by more than 30 seconds when the response
    /// arrived.
    pub(crate) fn server_time_if_clock_is_wrong(&self) -> Option<SystemTime> {
        let server = self.date()?;
        let off = server
            .duration_since(self.received_at)
            .unwrap_or_else(|behind| behind.duration());
        (off > CLOCK_TOLERANCE).then_some(server)
    }

    /// The delay in `Retry-After`: seconds, or a date *(RFC 9110 §10.2.3)*, which is compared with
    /// the server's `Date`, if there is one.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number that does not fit means "very long" too.
            return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
        }
        let at = httpdate::parse_http_date(text).ok()?;
        at.duration_since(self.date().unwrap_or(self.received_at))
            .ok()
    }

    fn date(&self) -> Option<SystemTime> {
        httpdate::parse_http_date(self.headers.get(DATE)?.to_str().ok()?).ok()
    }
}

/// Shows only the host of the target: a path or a query may contain a secret.
fn redirection(headers: &HeaderMap) -> Cow<'static, str> {
    const MAX_CHARS: usize = 100;
    let location = headers
        .get(LOCATION)
        .and_then(|value| value.to_str().ok()?.parse::<Uri>().ok());
    match location.as_ref().and_then(Uri::host) {
        Some(host) => {
            let host = redact::printable(host, MAX_CHARS);
            format!("it redirects to the host {host}, and redirects are not followed").into()
        }
        None => "it redirects, and redirects are not followed".into(),
    }
}

async fn read_body<B>(body: B) -> Result<Zeroizing<Vec<u8>>, Cow<'static, str>>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    // Allocated at its maximum: growing would leave copies of a token behind.
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_BODY_LEN));
    let mut free = MAX_BODY_LEN;
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| format!("its body broke off: {}", shown(&*error.into())))?;
        let data = frame.into_data().unwrap_or_default();
        // An empty frame counts as a byte, since a stream of them would never end.
        free = free
            .checked_sub(data.len().max(1))
            .ok_or("its body is longer than 64 KiB")?;
        text.extend_from_slice(&data);
    }
    Ok(text)
}

fn shown(error: &(dyn std::error::Error + 'static)) -> String {
    const MAX_CHARS: usize = 200;
    redact::printable(&with_causes(error), MAX_CHARS)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::task::{Context, Poll};

    use futures_util::FutureExt;
    use http_body::Frame;
    use http_body_util::Full;

    use super::*;

    fn response(headers: &[(&'static str, String)]) -> Response {
        let mut response = http::Response::builder().status(503);
        for (name, value) in headers {
            response = response.header(*name, value);
        }
        Response::read(
            String::new(),
            response.body(Full::new(Bytes::new())).unwrap(),
        )
        .now_or_never()
        .unwrap()
    }

    fn http_date(seconds_from_now: i64) -> String {
        let now = SystemTime::now();
        let by = Duration::from_secs(seconds_from_now.unsigned_abs());
        httpdate::fmt_http_date(if seconds_from_now < 0 {
            now - by
        } else {
            now + by
        })
    }

    #[test]
    fn retry_after_is_seconds_or_date() {
        for (text, seconds) in [
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("99999999999", Some(99_999_999_999)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("-5", None),
            ("1.5", None),
            ("+7", None),
            ("", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None),
            ("Sun, 99 Nov 2999 08:49:37 GMT", None),
        ] {
            let delay = response(&[("retry-after", text.into())]).retry_after();
            assert_eq!(delay, seconds.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn retry_date_is_relative_to_server_clock() {
        let delay = response(&[
            ("date", http_date(-7200)),
            ("retry-after", http_date(-7190)),
        ])
        .retry_after()
        .unwrap();
        assert!((9..=11).contains(&delay.as_secs()), "{delay:?}");
        let delay = response(&[("retry-after", http_date(100))])
            .retry_after()
            .unwrap();
        assert!((97..=101).contains(&delay.as_secs()), "{delay:?}");
    }

    #[test]
    fn clock_is_wrong_beyond_thirty_seconds() {
        for (off, wrong) in [
            (0, false),
            (-25, false),
            (25, false),
            (-40, true),
            (40, true),
            (7200, true),
            (-7200, true),
        ] {
            let server = response(&[("date", http_date(off))]).server_time_if_clock_is_wrong();
            assert_eq!(server.is_some(), wrong, "{off}");
        }
        assert_eq!(
            response(&[("date", "yesterday".into())]).server_time_if_clock_is_wrong(),
            None
        );
        assert_eq!(response(&[]).server_time_if_clock_is_wrong(), None);
    }

    #[test]
    fn redirect_shows_only_host_of_target() {
        for (location, text) in [
            (
                "https://login.example/x?token=canary",
                "it redirects to the host login.example, and redirects are not followed",
            ),
            (
                &format!("https://{}/x", "a".repeat(60_000)),
                "it redirects to the host [secret], and redirects are not followed",
            ),
            (
                "https://AQVNcanary.example/",
                "it redirects to the host [secret], and redirects are not followed",
            ),
            (
                &format!("https://{}example/", "a.".repeat(200)),
                &format!(
                    "it redirects to the host {}…, and redirects are not followed",
                    "a.".repeat(50)
                ),
            ),
            (
                "/login?canary",
                "it redirects, and redirects are not followed",
            ),
            ("%%%", "it redirects, and redirects are not followed"),
        ] {
            let response = http::Response::builder()
                .status(302)
                .header("location", location)
                .body(Frames::endless())
                .unwrap();
            let read = Response::read(String::new(), response)
                .now_or_never()
                .unwrap();
            assert_eq!(read.body.unwrap_err(), text);
        }
    }

    #[test]
    fn encoded_body_is_not_read() {
        let response = http::Response::builder()
            .header("content-encoding", "gzip")
            .body(Frames::endless())
            .unwrap();
        let read = Response::read(String::new(), response)
            .now_or_never()
            .unwrap();
        assert!(read.body.unwrap_err().contains("encoded"));
    }

    #[test]
    fn body_is_read_up_to_64_kib() {
        for (frames, ok) in [
            (Frames::of([MAX_BODY_LEN]), true),
            (Frames::of([1, MAX_BODY_LEN - 1]), true),
            (Frames::of([MAX_BODY_LEN + 1]), false),
            (Frames::of([MAX_BODY_LEN, 1]), false),
            (Frames::endless(), false),
        ] {
            let body = read_body(frames).now_or_never().unwrap();
            assert_eq!(body.is_ok(), ok);
            if let Ok(body) = body {
                assert_eq!((body.len(), body.capacity()), (MAX_BODY_LEN, MAX_BODY_LEN));
            }
        }
    }

    /// Frames of these lengths, followed by endless empty ones if `endless`.
    struct Frames {
        lengths: VecDeque<usize>,
        endless: bool,
    }

    impl Frames {
        fn of<const N: usize>(lengths: [usize; N]) -> Self {
            Self {
                lengths: lengths.into(),
                endless: false,
            }
        }

        fn endless() -> Self {
            Self {
                lengths: VecDeque::new(),
                endless: true,
            }
        }
    }

    impl Body for Frames {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let length = self.lengths.pop_front().or(self.endless.then_some(0));
            Poll::Ready(length.map(|length| Ok(Frame::data(vec![b'a'; length].into()))))
        }
    }
}
