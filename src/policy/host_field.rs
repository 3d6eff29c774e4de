//! The `Host` field, which must agree with the URI.

use http::HeaderMap;
use http::header::HOST;

use super::request_head::RequestHead;

/// Whether there is a `Host` field. Clients rarely set one: their transport does.
// A lookup hashes the name, which takes 82 instructions. Comparing all names takes 33 for four
// fields, and less than a lookup for up to twelve.
#[inline(always)]
pub(super) fn has_host(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| *name == HOST)
}

/// Whether there is one `Host` field and it names the target. Where the transport decides on the
/// target, the field must not be empty.
// The head is taken by value, as by the other cold functions of policies: a reference would make
// the caller write it to memory for every request.
#[cold]
pub(super) fn host_agrees(request: RequestHead<'_>) -> bool {
    let mut fields = request.headers.get_all(HOST).iter();
    let (Some(host), None) = (fields.next(), fields.next()) else {
        return false;
    };
    let Ok(host) = host.to_str() else {
        return false;
    };
    if request.is_unbound() {
        return !host.trim().is_empty();
    }
    let target = request.target();
    target.is_some_and(|target| target.with_host(host) == Some(target))
}
