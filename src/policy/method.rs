//! Methods that disclose what is sent with them.

use http::Method;

/// Whether the method discloses the credential *(RFC 9110 §9.3.6, §9.3.8)*. Methods are
/// case-sensitive, but not every server knows.
// The common methods are compared as numbers. Text is compared for the rest only.
#[inline]
pub(super) fn leaks(method: &Method) -> bool {
    match *method {
        Method::GET | Method::POST | Method::PUT | Method::PATCH | Method::DELETE => false,
        _ => leaks_by_name(method),
    }
}

// Not inlined, so that the common methods are one comparison and not a jump table.
#[inline(never)]
fn leaks_by_name(method: &Method) -> bool {
    is_named(method, "TRACE") || is_named(method, "CONNECT")
}

fn is_named(method: &Method, name: &str) -> bool {
    method.as_str().eq_ignore_ascii_case(name)
}
