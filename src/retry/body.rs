//! A body whose frames are kept, so that it can be sent again.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use bytes::Bytes;
use futures_util::task::noop_waker_ref;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// The body of the requests that [`Replay`](super::Replay) sends.
///
/// Its frames are those of the body that the caller sent, of type `B`. Convert it to the body of
/// the client below, for example with `tonic::body::Body::new` or `reqwest::Body::wrap`.
///
/// # Examples
///
/// A function that converts it, for `tower::ServiceBuilder::map_request`:
///
/// ```
/// use http::Request;
/// use tonic::body::Body;
/// use yandex_cloud_auth::retry::ReplayBody;
///
/// fn with_tonic_body(request: Request<ReplayBody<Body>>) -> Request<Body> {
///     request.map(Body::new)
/// }
/// ```
pub struct ReplayBody<B: Body> {
    chunks: vec::IntoIter<Bytes>,
    rest: Rest<B>,
    // Whether the caller's body knew its size. hyper sends a `Content-Length` if it does.
    is_sized: bool,
}

/// What follows the chunks.
enum Rest<B: Body> {
    /// The end, with these trailers: the body was complete when it was read.
    Trailers(Option<HeaderMap>),
    /// This error.
    Failed(Option<B::Error>),
    /// The frames that had not arrived when the body was read, or that are too many to keep.
    Stream(B),
}

impl<B: Body<Data = Bytes> + Unpin> ReplayBody<B> {
    /// Reads the frames that are available at once, until they exceed `max_bytes`.
    pub(super) fn read(body: B, max_bytes: usize) -> Self {
        let is_sized = body.size_hint().exact().is_some();
        let mut chunks = Vec::new();
        let rest = read_chunks(body, max_bytes, &mut chunks);
        Self {
            chunks: chunks.into_iter(),
            rest,
            is_sized,
        }
    }

    /// A copy that shares the data. `None` if the body was not complete when it was read.
    pub(super) fn try_clone(&self) -> Option<Self> {
        match &self.rest {
            Rest::Trailers(trailers) => Some(Self {
                chunks: self.chunks.clone(),
                rest: Rest::Trailers(trailers.clone()),
                is_sized: self.is_sized,
            }),
            Rest::Failed(_) | Rest::Stream(_) => None,
        }
    }
}

/// Appends the chunks that are available, and returns what follows them.
fn read_chunks<B>(mut body: B, max_bytes: usize, chunks: &mut Vec<Bytes>) -> Rest<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut left = max_bytes as u64;
    while body.size_hint().lower() <= left {
        let frame = match poll_once(&mut body) {
            Poll::Pending => break,
            Poll::Ready(None) => return Rest::Trailers(None),
            Poll::Ready(Some(Err(error))) => return Rest::Failed(Some(error)),
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        let chunk = match frame.into_data() {
            Ok(chunk) => chunk,
            // Trailers are the last frame.
            Err(frame) => return Rest::Trailers(frame.into_trailers().ok()),
        };
        // An empty chunk counts too, so that a body of empty chunks ends this loop.
        let rest = left.checked_sub(chunk.len().max(1) as u64);
        chunks.push(chunk);
        let Some(rest) = rest else { break };
        left = rest;
    }
    Rest::Stream(body)
}

/// What a poll for a frame returns.
type Polled<D, E> = Poll<Option<Result<Frame<D>, E>>>;

/// Polls without a task to wake: the client polls again, with its own.
fn poll_once<B: Body + Unpin>(body: &mut B) -> Polled<B::Data, B::Error> {
    Pin::new(body).poll_frame(&mut Context::from_waker(noop_waker_ref()))
}

/// An error of the body is moved, never pinned.
impl<B: Body + Unpin> Unpin for ReplayBody<B> {}

impl<B: Body<Data = Bytes> + Unpin> Body for ReplayBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(chunk) = self.chunks.next() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match &mut self.rest {
            Rest::Trailers(trailers) => Poll::Ready(trailers.take().map(Frame::trailers).map(Ok)),
            Rest::Failed(error) => Poll::Ready(error.take().map(Err)),
            Rest::Stream(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        let rest_is_empty = match &self.rest {
            Rest::Trailers(trailers) => trailers.is_none(),
            Rest::Failed(error) => error.is_none(),
            Rest::Stream(body) => body.is_end_stream(),
        };
        rest_is_empty && self.chunks.as_slice().is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let kept = self.chunks.as_slice().iter();
        let kept = kept.map(|chunk| chunk.len() as u64).sum();
        match &self.rest {
            Rest::Trailers(_) if self.is_sized => SizeHint::with_exact(kept),
            Rest::Trailers(_) | Rest::Failed(_) => at_least(kept),
            Rest::Stream(body) => after(kept, &body.size_hint()),
        }
    }
}

/// The hint for a body that comes after so many bytes.
fn after(bytes: u64, body: &SizeHint) -> SizeHint {
    let mut hint = at_least(body.lower().saturating_add(bytes));
    if let Some(upper) = body.upper().and_then(|upper| upper.checked_add(bytes)) {
        hint.set_upper(upper);
    }
    hint
}

fn at_least(bytes: u64) -> SizeHint {
    let mut hint = SizeHint::new();
    hint.set_lower(bytes);
    hint
}

impl<B: Body> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayBody").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    type Step = Polled<Bytes, &'static str>;

    /// What each poll returns; then the end.
    struct Polls(VecDeque<Step>);

    impl Body for Polls {
        type Data = Bytes;
        type Error = &'static str;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Step {
            self.0.pop_front().unwrap_or(Poll::Ready(None))
        }
    }

    fn data(text: &'static str) -> Step {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
    }

    fn trailers() -> Step {
        let trailers = HeaderMap::from_iter([(http::header::ETAG, "t".parse().unwrap())]);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    /// The frames in words, with a `-` for each poll that is pending.
    fn frames<B: Body<Data = Bytes, Error = &'static str> + Unpin>(mut body: B) -> String {
        let mut text = String::new();
        loop {
            match poll_once(&mut body) {
                Poll::Pending => text.push('-'),
                Poll::Ready(None) => return text,
                Poll::Ready(Some(Err(error))) => text.push_str(error),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => text.push_str(std::str::from_utf8(&data).unwrap()),
                    Err(frame) => {
                        assert_eq!(frame.into_trailers().unwrap()["etag"], "t");
                        text.push('T');
                    }
                },
            }
        }
    }

    #[test]
    fn only_complete_short_body_is_cloned() {
        type Case = (Vec<Step>, &'static str, bool);
        let cases: [Case; 9] = [
            (vec![], "", true),
            (vec![data("ab"), data("c")], "abc", true),
            (vec![data("ab"), trailers()], "abT", true),
            (vec![data("abcd")], "abcd", true),
            (vec![data("abcde"), data("f")], "abcdef", false),
            (vec![data("ab"), data("cde")], "abcde", false),
            (vec![data("a"), Poll::Pending, data("b")], "ab", false),
            (vec![data("a"), Poll::Ready(Some(Err("!")))], "a!", false),
            (
                vec![data(""), data(""), data(""), data(""), data("")],
                "",
                false,
            ),
        ];
        for (number, (polls, expected, is_cloned)) in cases.into_iter().enumerate() {
            let body = ReplayBody::read(Polls(polls.into()), 4);
            let clone = body.try_clone();
            assert_eq!(clone.is_some(), is_cloned, "case {number}");
            for body in clone.into_iter().chain([body]) {
                assert_eq!(frames(body), expected, "case {number}");
            }
        }
    }

    #[test]
    fn long_body_is_not_read() {
        let body = http_body_util::Full::new(Bytes::from_static(b"abcde"));
        let body = ReplayBody::read(body, 4);
        assert!(body.chunks.as_slice().is_empty());
        assert_eq!(body.size_hint().exact(), Some(5));
    }

    #[test]
    fn size_and_end_are_those_of_body() {
        let full = http_body_util::Full::new(Bytes::from_static(b"abc"));
        let mut body = ReplayBody::read(full, 4);
        assert_eq!(
            (body.size_hint().exact(), body.is_end_stream()),
            (Some(3), false)
        );
        assert!(poll_once(&mut body).is_ready());
        assert_eq!(
            (body.size_hint().exact(), body.is_end_stream()),
            (Some(0), true)
        );

        for polls in [vec![data("ab")], vec![data("ab"), Poll::Pending]] {
            let body = ReplayBody::read(Polls(polls.into()), 4);
            let hint = body.size_hint();
            assert_eq!((hint.lower(), hint.upper()), (2, None));
            assert!(!body.is_end_stream());
        }
        assert_eq!(after(2, &SizeHint::with_exact(u64::MAX)).upper(), None);
    }
}
