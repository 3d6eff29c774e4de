//! The end of what a program printed, fit for an error message.

use super::text::{looks_like_api_key, looks_like_iam_token, looks_like_oauth_token};

/// As many last lines as a message carries, and their length together.
const MAX_LINES: usize = 3;
const MAX_CHARS: usize = 400;

/// A word this long may be a secret. Real tokens are far longer, file names and sentences seldom.
const SECRET_LEN: usize = 20;

/// The last lines of `text` as one, with what may be a secret replaced by `****`.
pub(super) fn last_lines(text: &str) -> String {
    // Before anything is cut off, or the rest of a cut secret would not be known for one.
    let scrubbed = scrub(text);
    let lines: Vec<_> = scrubbed.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(MAX_LINES)..].join("; ");
    let last: Vec<_> = last.chars().filter(|c| !c.is_control()).collect();
    last[last.len().saturating_sub(MAX_CHARS)..].iter().collect()
}

fn scrub(text: &str) -> String {
    let mut scrubbed = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c| !may_be_in_token(c)) {
        let word = piece.trim_end_matches(|c| !may_be_in_token(c));
        // A path is judged by its parts: it says which file was meant.
        match word.starts_with('/') {
            true => scrubbed.push_str(&word.split('/').map(mask).collect::<Vec<_>>().join("/")),
            false => scrubbed.push_str(mask(word)),
        }
        scrubbed.push_str(&piece[word.len()..]);
    }
    scrubbed
}

fn mask(word: &str) -> &str {
    if may_be_secret(word) { "****" } else { word }
}

/// A known beginning, or a part too long for a word. A host's name is long too, but in short parts.
fn may_be_secret(word: &str) -> bool {
    looks_like_iam_token(word)
        || looks_like_oauth_token(word)
        || looks_like_api_key(word)
        || word.starts_with("eyJ")
        || word.split('.').any(|part| part.len() >= SECRET_LEN)
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
        for (text, scrubbed) in [
            ("", ""),
            ("ERROR: not found (code 5)", "ERROR: not found (code 5)"),
            ("token t1.ab.cd is bad", "token **** is bad"),
            ("token=t1.ab==.cd==\n", "token=****==.cd==\n"),
            ("{\"iam_token\":\"t1.a\"}", "{\"iam_token\":\"****\"}"),
            ("key AQVNab, oauth y0_ab, jwt eyJh.eyJi.c", "key ****, oauth ****, jwt ****"),
            ("abcdefghijklmnopqrs", "abcdefghijklmnopqrs"),
            ("abcdefghijklmnopqrst", "****"),
            ("ABC+/abcdefghijklmnopqrstuvwxyz012345/", "****"),
            ("é t1.a é", "é **** é"),
            ("open /home/me/.config/yandex-cloud/config.yaml", "open /home/me/.config/yandex-cloud/config.yaml"),
            ("/home/t1.a/abcdefghijklmnopqrst/x", "/home/****/****/x"),
            ("https://iam.api.cloud.yandex.net/iam/v1/tokens", "https://iam.api.cloud.yandex.net/iam/v1/tokens"),
        ] {
            assert_eq!(scrub(text), scrubbed);
        }
    }

    #[test]
    fn the_last_three_lines_are_one_short_line_without_control_characters() {
        assert_eq!(last_lines("one\ntwo\n\n  three\r\n\x1b[31mfour\x1b[0m\n"), "two; three; [31mfour[0m");
        assert_eq!(last_lines("\n \n"), "");
        let long = last_lines(&"é ".repeat(1000));
        assert_eq!(long.chars().count(), 400);
    }

    #[test]
    fn a_secret_that_the_cut_would_shorten_is_masked_whole() {
        let text = format!("{} {}", "s".repeat(MAX_CHARS), "a ".repeat((MAX_CHARS - 10) / 2));
        assert!(!last_lines(&text).contains('s'));
    }
}
