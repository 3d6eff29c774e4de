//! Whether a response refuses the credential it was sent with, and what follows *(RFC 9110 §15.5.2;
//! gRPC status 16)*.

use http::{HeaderMap, HeaderName, Response, StatusCode, header};

use crate::cache::{self, CacheId, Rejection};

pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// `UNAUTHENTICATED` of `google.rpc.Code`.
const UNAUTHENTICATED: &str = "16";

/// In a response's extensions: the credential that was refused is not held any more, so a replay
/// will carry what is fetched next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CredentialReplaced;

/// Drops what was refused from its cache. The cache and the generation are those the request was
/// sent with.
#[inline]
pub(crate) fn on_response<R>(response: &mut Response<R>, cache: Option<CacheId>, generation: u64) {
    if is_refusal(response.status(), response.headers()) {
        report(response, cache, generation);
    }
}

/// A `grpc-status` beside the headers is that of a trailers-only response, and nobody but gRPC
/// sends one.
#[inline]
fn is_refusal(status: StatusCode, headers: &HeaderMap) -> bool {
    match status {
        StatusCode::OK => {
            is_grpc(headers)
                && headers
                    .get(GRPC_STATUS)
                    .is_some_and(|status| status == UNAUTHENTICATED)
        }
        status => status == StatusCode::UNAUTHORIZED,
    }
}

#[inline]
fn is_grpc(headers: &HeaderMap) -> bool {
    !headers.is_empty()
        && headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// In a response's extensions: a layer of this crate made it, and no server refused anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotSent;

#[cold]
fn report<R>(response: &mut Response<R>, cache: Option<CacheId>, generation: u64) {
    if response.extensions().get::<NotSent>().is_some() {
        return;
    }
    if let Some(Rejection::Dropped | Rejection::Replaced) =
        cache.and_then(|cache| cache::reject(cache, generation))
    {
        response.extensions_mut().insert(CredentialReplaced);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_401_and_a_trailers_only_16_are_refusals() {
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
                is_refusal(response.status(), response.headers()),
                *expected,
                "{status} {headers:?}"
            );
        }
    }
}
