//! What a path rule matches: whole segments, byte for byte, and nothing that servers read
//! differently.

/// Whether `path` is `prefix`, which is canonical itself, or lies below it in canonical form.
#[inline]
pub(super) fn is_within(path: &str, prefix: &str) -> bool {
    match path.strip_prefix(prefix) {
        Some("") => true,
        Some(below) => below.starts_with('/') && (is_plain(below) || is_canonical(below)),
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

/// What a byte means for [`is_plain`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Byte {
    Letter,
    Other,
    Slash,
}

/// The meaning of each byte. A table takes one load for a byte, where comparisons take up to five
/// branches.
static BYTES: [Byte; 256] = {
    let mut bytes = [Byte::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        if matches!(byte as u8, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_') {
            bytes[byte] = Byte::Letter;
        }
        byte += 1;
    }
    bytes[b'/' as usize] = Byte::Slash;
    bytes
};

/// Whether `below`, which starts with `/`, has only segments of letters, digits, `-` and `_`.
///
/// Ids and verbs are such segments. A path that passes this quick test passes [`is_canonical`] too.
fn is_plain(below: &str) -> bool {
    let mut previous = Byte::Letter;
    for &byte in below.as_bytes() {
        let byte = BYTES[usize::from(byte)];
        if byte == Byte::Other || (byte == Byte::Slash && previous == Byte::Slash) {
            return false;
        }
        previous = byte;
    }
    previous == Byte::Letter
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
    fn prefix_matches_whole_segments_only() {
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
    fn ambiguous_path_is_not_canonical() {
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
    fn plain_test_agrees_with_loop_over_segments() {
        // A plain reading of the same rule.
        let expected = |below: &str| {
            below.starts_with('/')
                && below[1..].split('/').all(|segment| {
                    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                    !segment.is_empty() && segment.chars().all(is_plain)
                })
        };
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut plain = 0;
        for _ in 0..200_000 {
            let mut below = String::from("/");
            loop {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                match random % 16 {
                    0 => below.push('/'),
                    1 => below.push(char::from_u32((random >> 8) as u32 % 0x180).unwrap()),
                    2 | 3 => break,
                    _ => below.push(char::from(b'a' + (random >> 8) as u8 % 26)),
                }
            }
            assert_eq!(is_plain(&below), expected(&below), "{below:?}");
            assert!(!is_plain(&below) || is_canonical(&below), "{below:?}");
            plain += u32::from(is_plain(&below));
        }
        assert!((20_000..180_000).contains(&plain), "{plain}");
    }

    #[test]
    fn grpc_path_is_exactly_service_and_method() {
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
    fn service_name_is_words_with_dots_between() {
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
