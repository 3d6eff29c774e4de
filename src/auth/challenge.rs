//! Whether a response rejects the credential it was sent with, and what follows *(RFC 9110 §15.5.2;
//! gRPC status 16)*.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, HeaderName, Response, StatusCode, header};

use crate::cache::{self, CacheId, Rejection};

const GRPC_STATUS_NAME: &str = "grpc-status";

pub(super) const GRPC_STATUS: HeaderName = HeaderName::from_static(GRPC_STATUS_NAME);

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
// Always inlined, so that the response of a client that is inlined too is built in its final place.
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
    match response.poll(cx) {
        Poll::Ready(Ok(response)) if may_reject(&response) => {
            Poll::Ready(Ok(inspect(response, cache, generation)))
        }
        Poll::Ready(Ok(response)) => Poll::Ready(Ok(response)),
        Poll::Ready(Err(error)) => Poll::Ready(Err(fail(error))),
        Poll::Pending => Poll::Pending,
    }
}

/// Whether the status, or a `grpc-status` in the headers, may reject the credential.
// Inlined, as what it calls: with a reference passed to a function, the compiler would build each
// response elsewhere and copy it. So only the few that may reject are moved once more.
#[inline(always)]
fn may_reject<R>(response: &Response<R>) -> bool {
    match response.status() {
        StatusCode::OK => has_grpc_status(response.headers()),
        status => status == StatusCode::UNAUTHORIZED,
    }
}

// As for a `Host` field: comparing a few names takes less than a lookup.
#[inline(always)]
fn has_grpc_status(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str() == GRPC_STATUS_NAME)
}

/// Drops the credential from its cache if the response rejects it. `cache` and `generation` are
/// those of the credential that the request was sent with; `None` if it is not a cache's.
#[cold]
#[inline(never)]
fn inspect<R>(mut response: Response<R>, cache: Option<CacheId>, generation: u64) -> Response<R> {
    if is_rejection(response.status(), response.headers()) {
        handle(response.extensions_mut(), cache, generation);
    }
    response
}

#[cold]
fn handle(extensions: &mut Extensions, cache: Option<CacheId>, generation: u64) {
    if extensions.insert(Handled).is_some() {
        return;
    }
    let rejection = cache.and_then(|cache| cache::reject(cache, generation));
    if let Some(Rejection::Dropped | Rejection::Replaced) = rejection {
        extensions.insert(CredentialReplaced);
    }
}

/// A `grpc-status` in the headers is that of a trailers-only response, which only gRPC has.
fn is_rejection(status: StatusCode, headers: &HeaderMap) -> bool {
    match status {
        StatusCode::OK => is_grpc(headers) && is_unauthenticated(headers),
        status => status == StatusCode::UNAUTHORIZED,
    }
}

/// Whether the status in these headers or trailers is `UNAUTHENTICATED`.
pub(super) fn is_unauthenticated(headers: &HeaderMap) -> bool {
    headers
        .get(GRPC_STATUS)
        .is_some_and(|status| status == UNAUTHENTICATED)
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers
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
            let rejects =
                may_reject(&response) && is_rejection(response.status(), response.headers());
            assert_eq!(rejects, *expected, "{status} {headers:?}");
        }
    }
}
