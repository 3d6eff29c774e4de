//! What of a stranger's text may be shown: a server's, which may echo what it was sent, or a
//! program's.

/// What stands in place of a secret.
const MASK: &str = "[secret]";

/// How tokens, keys and assertions of the cloud start. No promise of Yandex Cloud's, so length
/// tells too.
const STARTS: [&str; 7] = ["t1.", "y0_", "y1_", "y2_", "y3_", "eyJ", "AQVN"];

/// One line of at most 200 characters, without the secret that was `sent` and anything that may be
/// one.
#[cfg(feature = "_network")]
pub(crate) fn answer(text: &str, sent: &str) -> String {
    const MAX_CHARS: usize = 200;
    // The ids that support asks for are shown: a UUID has 36 characters.
    const SECRET_LEN: usize = 37;
    let text = if sent.is_empty() {
        text.into()
    } else {
        text.replace(sent, MASK)
    };
    let shown: String = masked(&text, SECRET_LEN)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match shown.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// The last three lines as one, of at most 400 characters, without anything that may be a secret.
#[cfg(feature = "exec")]
pub(crate) fn last_lines(text: &str) -> String {
    const MAX_LINES: usize = 3;
    const MAX_CHARS: usize = 400;
    // Any program's secrets, some of which are short. File names and sentences have no such words.
    const SECRET_LEN: usize = 20;
    // Before anything is cut off, or the rest of a cut secret would not be known for one.
    let masked = masked(text, SECRET_LEN);
    let lines: Vec<_> = masked
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(MAX_LINES)..].join("; ");
    let last: Vec<_> = last.chars().filter(|c| !c.is_control()).collect();
    last[last.len().saturating_sub(MAX_CHARS)..]
        .iter()
        .collect()
}

/// The text with each word masked that starts like a secret or has a part of `secret_len`
/// characters or more.
fn masked(text: &str, secret_len: usize) -> String {
    let mut masked = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c| !may_be_in_token(c)) {
        let word = piece.trim_end_matches(|c| !may_be_in_token(c));
        // A path is judged by its parts: it says which file or resource was meant.
        let most = if word.starts_with('/') { usize::MAX } else { 1 };
        let parts = word.splitn(most, '/').map(|part| {
            if may_be_secret(part, secret_len) {
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

/// A host's name is long too, but in short parts.
fn may_be_secret(word: &str, secret_len: usize) -> bool {
    STARTS.iter().any(|start| starts_within(word, start))
        || word.split('.').any(|part| part.len() >= secret_len)
}

/// Whether `start` is at the word's start, or after a character that joins words: `host1.example`
/// is none.
fn starts_within(word: &str, start: &str) -> bool {
    word.match_indices(start)
        .any(|(at, _)| !word[..at].ends_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Without `=`, which more often comes before a token than inside it.
fn may_be_in_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '+' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_masked_and_the_rest_is_left() {
        for (text, shown) in [
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
        ] {
            assert_eq!(masked(text, 20), shown);
        }
    }

    #[cfg(feature = "_network")]
    #[test]
    fn an_answer_shows_ids_but_not_what_was_sent_and_is_one_line() {
        for (text, shown) in [
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
            ("a\r\nb\0c\u{1b}[31m", "a  b c [31m"),
            ("", ""),
        ] {
            assert_eq!(answer(text, "sesame"), shown);
        }
        assert_eq!(answer("no secret was sent", ""), "no secret was sent");
        let long = answer(&"ы ".repeat(500), "");
        assert_eq!(long.chars().count(), 201);
        assert!(long.ends_with('…'));
    }

    #[cfg(feature = "exec")]
    #[test]
    fn the_last_three_lines_are_one_short_line_without_control_characters() {
        assert_eq!(
            last_lines("one\ntwo\n\n  three\r\n\x1b[31mfour\x1b[0m\n"),
            "two; three; [31mfour[0m"
        );
        assert_eq!(last_lines("\n \n"), "");
        let long = last_lines(&"é ".repeat(1000));
        assert_eq!(long.chars().count(), 400);
        // A secret that the cut would shorten is masked whole.
        let text = format!("{} {}", "x".repeat(400), "a ".repeat(195));
        assert!(!last_lines(&text).contains('x'));
    }
}
