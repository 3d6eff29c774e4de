//! What of a stranger's text may be shown.

/// The most of it that is shown, in characters.
const MAX_LEN: usize = 200;

/// An unbroken run that is longer is taken for a token, whatever it starts with. A UUID has 36.
const MAX_RUN_LEN: usize = 48;

/// How tokens, keys and assertions of the cloud start.
const TOKEN_STARTS: [&str; 7] = ["t1.", "y0_", "y1_", "y2_", "y3_", "eyJ", "AQVN"];

/// The text on one line, cut, without control characters, without the secret that was `sent` and anything that looks like one.
///
/// A server may echo what it was sent, and a proxy before it may echo anything.
pub(crate) fn scrub(text: &str, sent: &str) -> String {
    let text = if sent.is_empty() { text.into() } else { text.replace(sent, "[secret]") };
    let mut shown = String::new();
    for run in text.split_inclusive(|c| !is_token_char(c)) {
        let (word, end) = run.split_at(run.trim_end_matches(|c| !is_token_char(c)).len());
        shown.push_str(if looks_secret(word) { "[secret]" } else { word });
        shown.extend(end.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    match shown.char_indices().nth(MAX_LEN) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

fn looks_secret(word: &str) -> bool {
    word.len() > MAX_RUN_LEN || TOKEN_STARTS.iter().any(|start| word.contains(start))
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+/=".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_not_shown() {
        for (text, shown) in [
            ("Key 'ajek6nub0000000000000' was not found", "Key 'ajek6nub0000000000000' was not found"),
            (
                "see https://iam.api.cloud.yandex.net/iam/v1/tokens",
                "see https://iam.api.cloud.yandex.net/iam/v1/tokens",
            ),
            ("e38e71c3-adc6-4584-98a4-b0f103d55f61", "e38e71c3-adc6-4584-98a4-b0f103d55f61"),
            ("bad jwt eyJhbGciOi.eyJpc3M.c2ln, sorry", "bad jwt [secret], sorry"),
            ("subject_token=eyJhbGciOi&x", "[secret]&x"),
            ("token t1.9euel-_.sig==", "token [secret]"),
            ("y0_AgAAAA", "[secret]"),
            ("'AQVNabc'", "'[secret]'"),
            ("you sent sesame", "you sent [secret]"),
            ("a\r\nb\0c\u{1b}[31m", "a  b c [31m"),
            ("ошибка", "ошибка"),
            ("", ""),
        ] {
            assert_eq!(scrub(text, "sesame"), shown);
        }
        assert_eq!(scrub(&"x".repeat(MAX_RUN_LEN + 1), ""), "[secret]");
        assert_eq!(scrub("no secret was sent", ""), "no secret was sent");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let shown = scrub(&"ы ".repeat(500), "");
        assert_eq!(shown.chars().count(), MAX_LEN + 1);
        assert!(shown.ends_with('…'));
    }
}
