//! Paths that name no other host than the one that was judged.

use http::{Method, Uri};

use super::request_head::RequestHead;

/// Whether the path of the request contains no host, for any parser of URLs.
pub(super) fn names_no_host(request: &RequestHead<'_>) -> bool {
    if request.uri.authority().is_some() {
        starts_at_root(request.method, request.uri)
    } else {
        stays_at_host(request.method, request.uri)
    }
}

/// Whether the path starts with `/`, as it must after an authority: written as text,
/// `https://good` and `.evil/x` are one URI with another host.
// `http` itself refuses such a URI from version 1.4.1 on. Checked here too, since it costs one
// comparison and a release of `http` has allowed it before.
#[inline(always)]
pub(super) fn starts_at_root(method: &Method, uri: &Uri) -> bool {
    is_rooted(path_and_query(uri)) || is_root_or_asterisk(method, uri)
}

/// Whether the path alone names no host. Resolved against a base URL, `//evil` and `/\evil` do
/// *(RFC 3986 §4.2)*.
#[inline(always)]
pub(super) fn stays_at_host(method: &Method, uri: &Uri) -> bool {
    is_rooted_once(path_and_query(uri)) || is_root_or_asterisk(method, uri)
}

/// The path and what follows it. It starts as the path does, unless the path is empty: then with
/// `?`. Cheaper than the path, whose end has to be found.
#[inline(always)]
fn path_and_query(uri: &Uri) -> &[u8] {
    uri.path_and_query()
        .map_or(&[], |target| target.as_str().as_bytes())
}

/// Whether the path is empty, which is sent as `/`, or the asterisk-form *(RFC 9112 §3.2.4)*.
#[cold]
fn is_root_or_asterisk(method: &Method, uri: &Uri) -> bool {
    uri.path() == "/" || (uri.path() == "*" && *method == Method::OPTIONS)
}

#[inline]
fn is_rooted(path: &[u8]) -> bool {
    path.first() == Some(&b'/')
}

#[inline]
fn is_rooted_once(path: &[u8]) -> bool {
    is_rooted(path) && !matches!(path, [_, b'/' | b'\\', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_rooted_by_one_slash() {
        for (path, rooted, once) in [
            ("/", true, true),
            ("/x//y", true, true),
            ("/x\\y", true, true),
            ("//evil.example", true, false),
            ("/\\evil.example", true, false),
            ("//", true, false),
            ("", false, false),
            ("*", false, false),
            ("x", false, false),
            ("\\x", false, false),
            (".evil.example/x", false, false),
            ("@evil.example/x", false, false),
            (":1@evil.example/x", false, false),
        ] {
            assert_eq!(is_rooted(path.as_bytes()), rooted, "{path}");
            assert_eq!(is_rooted_once(path.as_bytes()), once, "{path}");
        }
    }

    #[test]
    fn empty_path_is_rooted_whatever_follows() {
        for (method, uri, rooted) in [
            (Method::GET, "https://a.example", true),
            (Method::GET, "https://a.example?x=//", true),
            (Method::GET, "https://a.example/?//", true),
            (Method::GET, "https://a.example//x", true),
            (Method::OPTIONS, "*", true),
            (Method::GET, "*", false),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(starts_at_root(&method, &uri), rooted, "{method} {uri}");
        }
        for (uri, once) in [("/", true), ("/?//", true), ("//x", false), ("/\\x", false)] {
            let uri = Uri::builder().path_and_query(uri).build();
            assert_eq!(uri.is_ok_and(|uri| stays_at_host(&Method::GET, &uri)), once);
        }
    }
}
