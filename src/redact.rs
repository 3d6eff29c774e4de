//! Makes untrusted text safe to print. Text of a server, a program or a setting may contain a
//! secret, control characters, or far more than a log line can take.
#![cfg_attr(
    not(feature = "full"),
    allow(dead_code, reason = "each feature uses a part of it")
)]

/// Replaces a secret.
const MASK: &str = "[secret]";

/// Replaces a whole setting that cannot be a path or a name.
const HIDDEN: &str = "[not shown: it may be a secret]";

/// The first characters of Yandex Cloud's tokens, keys and assertions. They are not documented as
/// stable, so length counts too.
const PREFIXES: [&str; 7] = ["t1.", "y0_", "y1_", "y2_", "y3_", "eyJ", "AQVN"];

/// Ids that a user sends to the support stay readable: a UUID has 36 characters.
const SECRET_LEN: usize = 37;

/// The text on one line of at most `max_chars` characters, with secrets masked and with control,
/// bidirectional and invisible characters replaced by spaces.
pub(crate) fn printable(text: &str, max_chars: usize) -> String {
    one_line(&masked(text, is_long), max_chars)
}

/// A field of a response, without the secret that was `sent`, which a server may echo.
pub(crate) fn response_field(text: &str, sent: &str) -> String {
    const MAX_CHARS: usize = 200;
    if sent.is_empty() {
        return printable(text, MAX_CHARS);
    }
    printable(&text.replace(sent, MASK), MAX_CHARS)
}

/// A claim of a token, such as an issuer or a subject. Names of repositories and of accounts are
/// long, so each part of a path is masked only if it looks random.
pub(crate) fn claim(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    let parts = text.split('/').map(|part| masked(part, looks_random));
    one_line(&parts.collect::<Vec<_>>().join("/"), MAX_CHARS)
}

/// The last three lines of a program's output as one, of at most 400 characters.
pub(crate) fn last_lines(text: &str) -> String {
    const MAX_LINES: usize = 3;
    const MAX_CHARS: usize = 400;
    // Secrets of any program, some of which are short.
    const SECRET_LEN: usize = 20;
    // Masks before it cuts: the rest of a cut secret would not be recognized.
    let masked = masked(text, |word| longest_part(word) >= SECRET_LEN);
    let lines: Vec<_> = masked
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(MAX_LINES)..].join("; ");
    let chars = last.chars().count();
    let start = last.char_indices().nth(chars.saturating_sub(MAX_CHARS));
    one_line(&last[start.map_or(0, |(start, _)| start)..], MAX_CHARS)
}

/// A setting for an error or for `Debug`: a path, a host, the name of a variable, an id. People
/// fill these with secrets by mistake, so a value that cannot be such a name is hidden whole.
pub(crate) fn setting(text: &str) -> String {
    if is_no_name(text) || looks_like_base64(text) {
        return HIDDEN.into();
    }
    let parts = text.split('/').map(|part| masked(part, looks_random));
    one_line(&parts.collect::<Vec<_>>().join("/"), usize::MAX)
}

/// [`setting`], for a path.
pub(crate) fn path(path: &std::path::Path) -> String {
    setting(&path.to_string_lossy())
}

/// Whether a text cannot be a path or another name: it looks like JSON, PEM or encoded data.
pub(crate) fn is_no_name(text: &str) -> bool {
    const MAX_BYTES: usize = 255;
    text.len() > MAX_BYTES || text.contains(['\n', '\r', '{', '"']) || text.contains("-----")
}

/// Whether a text starts as the secrets of Yandex Cloud do.
pub(crate) fn starts_like_secret(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

/// The text with each PEM block masked, the user of each URL, and each word that starts like a
/// secret or for which `is_secret` holds.
fn masked(text: &str, is_secret: impl Fn(&str) -> bool) -> String {
    let mut masked = String::with_capacity(text.len());
    let text = without_users(&without_pem(text));
    for piece in text.split_inclusive(|c| !may_be_in_token(c)) {
        let word = piece.trim_end_matches(|c| !may_be_in_token(c));
        // A path is judged part by part, so that it still names its file or resource.
        let limit = if is_path(word) { usize::MAX } else { 1 };
        let parts = word.splitn(limit, '/').map(|part| {
            if contains_prefix(part) || is_secret(part) {
                MASK
            } else {
                part
            }
        });
        masked.push_str(&parts.collect::<Vec<_>>().join("/"));
        masked.push_str(&piece[word.len()..]);
    }
    masked
}

/// The last line of a PEM block may be too short to be recognized by its length.
fn without_pem(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some((before, block)) = rest.split_once("-----BEGIN ") {
        kept.push_str(before);
        kept.push_str(MASK);
        rest = block
            .split_once("-----END ")
            .and_then(|(_, end)| end.split_once("-----"))
            .map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

/// The user name and the password in a URL come before an `@`.
fn without_users(text: &str) -> String {
    let mut urls = text.split("://");
    let mut kept = urls.next().unwrap_or_default().to_owned();
    for url in urls {
        let end = url.find(|c: char| c == '/' || c.is_whitespace());
        let authority = &url[..end.unwrap_or(url.len())];
        let user = authority.rfind('@').unwrap_or_default();
        kept.push_str("://");
        if user > 0 {
            kept.push_str(MASK);
        }
        kept.push_str(&url[user..]);
    }
    kept
}

/// Whether a word is an absolute path, or a path after a host or another dotted name.
fn is_path(word: &str) -> bool {
    let is_name = |part: &str| {
        let in_alphabet =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        part.contains('.')
            && !contains_prefix(part)
            && part
                .split('.')
                .all(|label| !label.is_empty() && label.bytes().all(in_alphabet))
    };
    let (first, _) = word.split_once('/').unwrap_or((word, ""));
    word.starts_with('/') || is_name(first)
}

fn one_line(text: &str, max_chars: usize) -> String {
    let mut line: String = text
        .chars()
        .take(max_chars)
        .map(|c| if is_unprintable(c) { ' ' } else { c })
        .collect();
    if text.chars().nth(max_chars).is_some() {
        line.push('…');
    }
    line
}

/// Characters that break a line, reorder it or hide in it: controls (C0 and C1), separators,
/// bidirectional controls, and invisible ones.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn is_long(word: &str) -> bool {
    longest_part(word) >= SECRET_LEN
}

/// A host's name is long too, but its parts are short.
fn longest_part(word: &str) -> usize {
    word.split('.').map(str::len).max().unwrap_or_default()
}

/// File and directory names may be long too, but rarely mix cases and digits.
fn looks_random(word: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| word.as_bytes().iter().any(kind);
    is_long(word)
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
}

/// Base64 contains `/`, so its parts may be too short to be recognized.
fn looks_like_base64(text: &str) -> bool {
    let in_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    !text.starts_with('/') && text.bytes().all(in_alphabet) && looks_random(text)
}

/// Whether a prefix of a secret is at the word's start, or after a character that joins words:
/// `host1.example` has none.
fn contains_prefix(word: &str) -> bool {
    PREFIXES.iter().any(|prefix| {
        word.match_indices(prefix)
            .any(|(at, _)| !word[..at].ends_with(|c: char| c.is_ascii_alphanumeric()))
    })
}

/// Without `=`, which is more often before a token than inside it.
fn may_be_in_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '+' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_other_words_kept() {
        for (text, expected) in [
            ("", ""),
            ("ERROR: not found (code 5)", "ERROR: not found (code 5)"),
            ("ошибка t1.a ы", "ошибка [secret] ы"),
            ("token t1.ab.cd is bad", "token [secret] is bad"),
            ("token=t1.ab==.cd==\n", "token=[secret]==.cd==\n"),
            ("token-t1.ab", "[secret]"),
            ("host1.example", "host1.example"),
            ("{\"iam_token\":\"t1.a\"}", "{\"iam_token\":\"[secret]\"}"),
            (
                "key 'AQVNab', oauth y0_ab, jwt eyJh.eyJi.c",
                "key '[secret]', oauth [secret], jwt [secret]",
            ),
            ("subject_token=eyJhbGciOi&x", "subject_token=[secret]&x"),
            ("abcdefghijklmnopqrs", "abcdefghijklmnopqrs"),
            ("abcdefghijklmnopqrst", "[secret]"),
            ("ABC+/abcdefghijklmnopqrstuvwxyz012345/", "[secret]"),
            (
                "open /home/me/.config/yandex-cloud/config.yaml",
                "open /home/me/.config/yandex-cloud/config.yaml",
            ),
            (
                "/home/t1.a/abcdefghijklmnopqrst/x",
                "/home/[secret]/[secret]/x",
            ),
            (
                "https://iam.api.cloud.yandex.net/iam/v1/tokens",
                "https://iam.api.cloud.yandex.net/iam/v1/tokens",
            ),
            (
                "denied: resource-manager.folder/b1g0123456789/a.workflow/dfq0123456789",
                "denied: resource-manager.folder/b1g0123456789/a.workflow/dfq0123456789",
            ),
            ("h.example/abcdefghijklmnopqrst/x", "h.example/[secret]/x"),
            ("t1.a/abcdefghijklmno/x", "[secret]"),
            ("a.B/abcdefghijklmnopqr/x", "[secret]"),
            (
                "proxy http://me:pa@ss@proxy.example:3128/x@y refused",
                "proxy http://[secret]@proxy.example:3128/x@y refused",
            ),
            (
                "a://me@b c://@d e://f g@h",
                "a://[secret]@b c://@d e://f g@h",
            ),
            (
                "a -----BEGIN PRIVATE KEY-----\nMII\nab\n-----END PRIVATE KEY----- b",
                "a [secret] b",
            ),
            ("a -----BEGIN PRIVATE KEY-----\nMII\nab", "a [secret]"),
        ] {
            assert_eq!(masked(text, |word| longest_part(word) >= 20), expected);
        }
    }

    #[test]
    fn printable_text_is_one_short_clean_line() {
        for (text, expected) in [
            ("", ""),
            ("a\r\nb\0c\u{1b}[31m", "a  b c [31m"),
            ("a\u{9b}b\u{85}c\u{2028}d\u{2029}e", "a b c d e"),
            (
                "a\u{202a}\u{202e}b\u{2066}\u{2069}c\u{61c}\u{200f}d",
                "a  b  c  d",
            ),
            ("a\u{200b}b\u{feff}c\u{ad}d\u{e0041}e", "a b c d e"),
            ("token t1.ab", "token [secret]"),
        ] {
            assert_eq!(printable(text, 30), expected, "{text:?}");
        }
        assert_eq!(printable("ыыы", 2), "ыы…");
        assert_eq!(printable("ыы", 2), "ыы");
        assert_eq!(printable(&"a ".repeat(50_000), 200).chars().count(), 201);
    }

    #[test]
    fn response_field_shows_ids_and_hides_echo() {
        for (text, expected) in [
            (
                "Key 'ajek6nub0000000000000' was not found",
                "Key 'ajek6nub0000000000000' was not found",
            ),
            (
                "e38e71c3-adc6-4584-98a4-b0f103d55f61",
                "e38e71c3-adc6-4584-98a4-b0f103d55f61",
            ),
            ("e38e71c3-adc6-4584-98a4-b0f103d55f610", "[secret]"),
            ("you sent sesame", "you sent [secret]"),
        ] {
            assert_eq!(response_field(text, "sesame"), expected);
        }
        assert_eq!(response_field("nothing was sent", ""), "nothing was sent");
        let long = response_field(&"ы ".repeat(500), "");
        assert_eq!(long.chars().count(), 201);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn claim_shows_names_and_hides_secrets() {
        for name in [
            "repo:owner/name:ref:refs/heads/main",
            "repo:owner@12/name@34:environment:production",
            "repo:an-organization-with-a-name/a-repository-with-a-name:pull_request",
            "system:serviceaccount:default:a-service-account-of-the-production-cluster",
            "spiffe://example.org/ns/prod/sa/billing",
            "https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/cat0example",
        ] {
            assert_eq!(claim(name), name);
        }
        for (text, expected) in [
            ("eyJhbGciOi.eyJzdWIi.c2ln", "[secret]"),
            ("a/t1.canary", "a/[secret]"),
            ("canaryABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "[secret]"),
            ("a\n\u{202e}b", "a  b"),
        ] {
            assert_eq!(claim(text), expected);
        }
        assert_eq!(claim(&"a ".repeat(50_000)).chars().count(), 201);
    }

    #[test]
    fn last_lines_are_one_short_clean_line() {
        assert_eq!(
            last_lines("one\ntwo\n\n  three\r\n\x1b[31mfour\x1b[0m\u{202e}\n"),
            "two; three;  [31mfour [0m "
        );
        assert_eq!(last_lines("\n \n"), "");
        let long = last_lines(&"é ".repeat(1000));
        assert_eq!(long.chars().count(), 400);
        // A secret that the cut would shorten is masked whole.
        let text = format!("{} {}", "x".repeat(400), "a ".repeat(195));
        assert!(!last_lines(&text).contains('x'));
    }

    #[test]
    fn setting_shows_names_and_hides_secrets() {
        for name in [
            "/etc/yandex/key.json",
            "keys/key-1.json",
            "~/key.json",
            "YANDEX_ID_TOKEN",
            "https://iam.api.cloud.yandex.net/iam/v1/tokens",
            "/run/secrets/service-account-key-of-the-production-cluster-01",
            "/var/lib/0123456789abcdef0123456789abcdef0123456789abcdef",
            "/nonexistent/КЛЮЧ",
        ] {
            assert_eq!(setting(name), name);
        }
        for (text, expected) in [
            ("AQVNcanary", "[secret]"),
            ("/keys/AQVNcanary", "/keys/[secret]"),
            ("keys/t1.canary/x", "keys/[secret]/x"),
            ("/canaryABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "/[secret]"),
            ("canaryABCDEF/GHIJKLMNOPQRSTU/VWXYZ0123+56789==", HIDDEN),
            ("a\u{202e}\tb", "a  b"),
            ("{canary", HIDDEN),
            ("a\"canary", HIDDEN),
            ("canary\nb", HIDDEN),
            ("-----BEGIN canary", HIDDEN),
            (&"c".repeat(256), HIDDEN),
        ] {
            assert_eq!(setting(text), expected);
        }
    }
}
