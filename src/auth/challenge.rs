//! Whether a response rejects the credential it was sent with, and what follows *(RFC 9110 §15.5.2;
//! gRPC status 16)*.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, Response, StatusCode, header};

use crate::cache::{self, CacheId, Rejection};

pub(super) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// `UNAUTHENTICATED` of `google.rpc.Code`.
const UNAUTHENTICATED: &str = "16";

/// In a response's extensions: the rejected credential is no longer in the cache, so that a replay
/// carries the next one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CredentialReplaced;

/// In a response's extensions: a layer of this crate has handled the rejection, watches for it in
/// the trailers, or has made the response itself. A layer outside of it does nothing, since its
/// credential was never sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handled;

/// Polls for the response, and handles one that rejects the credential.
// Always inlined, so that the response is written to its final place and inspected there.
#[inline(always)]
pub(super) fn poll_response<F, R, X, E>(
    response: Pin<&mut F>,
    cx: &mut Context<'_>,
    fail: impl FnOnce(X) -> E,
    cache: Option<CacheId>,
    generation: u64,
) -> Poll<Result<Response<R>, E>>
where
    F: Future<Output = Result<Response<R>, X>>,
{
    let mut polled = response.poll(cx).map_err(fail);
    if let Poll::Ready(Ok(response)) = &mut polled {
        on_response(response, cache, generation);
    }
    polled
}

/// Drops the credential from its cache if the response rejects it. `cache` and `generation` are
/// those of the credential that the request was sent with; `None` if it is not a cache's.
#[inline]
fn on_response<R>(response: &mut Response<R>, cache: Option<CacheId>, generation: u64) {
    if is_rejection(response.status(), response.headers()) {
        handle(response, cache, generation);
    }
}

#[cold]
fn handle<R>(response: &mut Response<R>, cache: Option<CacheId>, generation: u64) {
    if response.extensions_mut().insert(Handled).is_some() {
        return;
    }
    let rejection = cache.and_then(|cache| cache::reject(cache, generation));
    if let Some(Rejection::Dropped | Rejection::Replaced) = rejection {
        response.extensions_mut().insert(CredentialReplaced);
    }
}

/// A `grpc-status` in the headers is that of a trailers-only response, which only gRPC has.
#[inline]
fn is_rejection(status: StatusCode, headers: &HeaderMap) -> bool {
    match status {
        StatusCode::OK => is_grpc(headers) && is_unauthenticated(headers),
        status => status == StatusCode::UNAUTHORIZED,
    }
}

/// Whether the status in these headers or trailers is `UNAUTHENTICATED`.
#[inline]
pub(super) fn is_unauthenticated(headers: &HeaderMap) -> bool {
    headers
        .get(GRPC_STATUS)
        .is_some_and(|status| status == UNAUTHENTICATED)
}

#[inline]
fn is_grpc(headers: &HeaderMap) -> bool {
    !headers.is_empty()
        && headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_401_and_trailers_only_16_reject() {
        const GRPC: (&str, &str) = ("content-type", "application/grpc+proto");
        type Headers = &'static [(&'static str, &'static str)];
        let cases: &[(u16, Headers, bool)] = &[
            (401, &[], true),
            (401, &[("content-type", "application/json")], true),
            (403, &[], false),
            (407, &[], false),
            (200, &[], false),
            (200, &[("grpc-status", "16")], false),
            (200, &[GRPC], false),
            (200, &[GRPC, ("grpc-status", "16")], true),
            (200, &[GRPC, ("grpc-status", "7")], false),
            (200, &[GRPC, ("grpc-status", "016")], false),
            (500, &[GRPC, ("grpc-status", "16")], false),
        ];
        for (status, headers, expected) in cases {
            let mut response = Response::builder().status(*status);
            for (name, value) in *headers {
                response = response.header(*name, *value);
            }
            let response = response.body(()).unwrap();
            assert_eq!(
                is_rejection(response.status(), response.headers()),
                *expected,
                "{status} {headers:?}"
            );
        }
    }
}
