//! What a path rule matches: whole segments, byte for byte, and nothing that a server might read
//! another way.

/// Whether `path` is `prefix`, which is canonical itself, or lies below it in canonical form.
#[inline]
pub(super) fn is_within(path: &str, prefix: &str) -> bool {
    match path.strip_prefix(prefix) {
        Some("") => true,
        Some(below) => {
            below.starts_with('/')
                && (is_usual(path.as_bytes(), below.as_bytes()) || is_canonical(below))
        }
        None => false,
    }
}

/// Whether `path` is `/service/Method`, the method of letters, digits and `_`.
#[inline]
pub(super) fn is_method_of(path: &str, service: &str) -> bool {
    let method = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(service)?.strip_prefix('/'));
    method.is_some_and(is_word)
}

/// A quick yes for the warm path: whether `below`, the end of `path` from a `/` on, has only
/// segments of lower-case letters and digits, as ids and verbs are. Eight bytes are judged at once,
/// the last eight of `path` at the end.
fn is_usual(path: &[u8], below: &[u8]) -> bool {
    let mut rest = below;
    while let Some(bytes) = rest.first_chunk() {
        if !are_usual(*bytes) {
            return false;
        }
        // The last byte is the first of the next eight, so that every two neighbours are seen
        // together.
        rest = &rest[7..];
    }
    path.last_chunk().is_some_and(|bytes| are_usual(*bytes)) && !path.ends_with(b"/")
}

/// Whether all are lower-case letters, digits and `/`, no two `/` together.
#[inline]
fn are_usual(bytes: [u8; 8]) -> bool {
    let bytes = u64::from_le_bytes(bytes);
    // The high bit of each byte: is the byte at least so much? Right for ASCII; what is not has
    // that bit set itself.
    let at_least = |least: u8| bytes.wrapping_add(each(0x80 - least));
    let slash = at_least(b'/') ^ at_least(b'0');
    let usual = at_least(b'/') ^ at_least(b'9' + 1) ^ at_least(b'a') ^ at_least(b'z' + 1);
    usual & !(slash & slash << 8) & !bytes & each(0x80) == each(0x80)
}

/// Eight times the same byte.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Whether `path` is a `/` and a segment, one or more times, each segment so plain that no decoder
/// or normaliser changes it.
pub(super) fn is_canonical(path: &str) -> bool {
    path.strip_prefix('/')
        .is_some_and(|segments| segments.split('/').all(is_canonical_segment))
}

fn is_canonical_segment(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
        && segment.bytes().all(|byte| {
            byte.is_ascii_graphic() && !matches!(byte, b'%' | b';' | b'\\' | b'?' | b'#')
        })
}

/// Whether `name` names a gRPC service: words with dots between.
pub(super) fn is_service_name(name: &str) -> bool {
    name.split('.').all(is_word)
}

#[inline]
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = "/workflows/v1/execution";

    #[test]
    fn a_prefix_matches_whole_segments_only() {
        for (path, within) in [
            ("/workflows/v1/execution", true),
            ("/workflows/v1/execution/a", true),
            ("/workflows/v1/execution/a:verb/b", true),
            ("/workflows/v1/execution/a-b_c~d.e!$&'()*+,=@", true),
            ("/workflows/v1/execution/...", true),
            ("/workflows/v1/executions", false),
            ("/workflows/v1/execution:start", false),
            ("/workflows/v1/executio", false),
            ("/Workflows/v1/execution", false),
            ("/x/workflows/v1/execution", false),
            ("workflows/v1/execution", false),
            ("//workflows/v1/execution", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(is_within(path, PREFIX), within, "{path}");
        }
    }

    #[test]
    fn what_a_server_may_read_another_way_is_not_canonical() {
        for below in [
            "/",
            "//",
            "/a/",
            "//a",
            "/a//b",
            "/.",
            "/..",
            "/a/.",
            "/a/..",
            "/./a",
            "/../workflow",
            "/a/../b",
            "/a%2fb",
            "/%",
            "/a;x=1",
            "/;",
            "/a\\b",
            "/é",
            "/a b",
            "/a\tb",
            "/a\0",
            "/a\x7f",
            "/a\n",
        ] {
            assert!(!is_within(&format!("{PREFIX}{below}"), PREFIX), "{below:?}");
            assert!(!is_canonical(below), "{below:?}");
        }
    }

    #[test]
    fn the_quick_yes_is_given_to_canonical_paths_only() {
        let mut quick = 0;
        for len in 0..24 {
            for at in 0..=len {
                for odd in ('\0'..'\u{100}')
                    .chain('\u{1c00}'..'\u{1c40}')
                    .map(String::from)
                    .chain(["//".into(), "/.".into()])
                {
                    let below = format!("/{}{odd}{}", "z".repeat(at), "0".repeat(len - at));
                    let path = format!("{PREFIX}{below}");
                    let is_usual = is_usual(path.as_bytes(), below.as_bytes());
                    assert!(!is_usual || is_canonical(&below), "{path}");
                    quick += usize::from(is_usual);
                }
            }
        }
        assert!(quick > 10_000, "{quick}");
    }

    #[test]
    fn a_grpc_path_is_exactly_service_and_method() {
        for (path, matches) in [
            ("/a.b.C/Get", true),
            ("/a.b.C/get_2", true),
            ("/a.b.C/", false),
            ("/a.b.C", false),
            ("/a.b.C/Get/", false),
            ("/a.b.C/Get/x", false),
            ("/a.b.C//Get", false),
            ("//a.b.C/Get", false),
            ("a.b.C/Get", false),
            ("/a.b.c/Get", false),
            ("/a.b.C2/Get", false),
            ("/x/../a.b.C/Get", false),
            ("/a.b.C/./Get", false),
            ("/a.b.C/G%65t", false),
            ("/a.b.C/Get;x", false),
            ("/a.b.C/Get:x", false),
            ("/a.b.C/Gét", false),
        ] {
            assert_eq!(is_method_of(path, "a.b.C"), matches, "{path}");
        }
    }

    #[test]
    fn a_service_name_is_words_with_dots_between() {
        for (name, is_one) in [
            ("yandex.cloud.iam.v1.ApiKeyService", true),
            ("Greeter", true),
            ("", false),
            (".", false),
            ("a..B", false),
            ("a.", false),
            ("/a.B", false),
            ("a.B/C", false),
            ("a.B%", false),
        ] {
            assert_eq!(is_service_name(name), is_one, "{name}");
        }
    }
}
