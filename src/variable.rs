//! The values of environment variables.

/// The text without white space, a byte order mark and one pair of matching quotes around it, which
/// editors and env files add.
pub(crate) fn without_quotes(text: &str) -> &str {
    let padding = |c: char| c.is_whitespace() || c == '\u{feff}';
    let text = text.trim_matches(padding);
    ['"', '\'']
        .iter()
        .find_map(|&quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
        .trim_matches(padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pair_of_matching_quotes_is_removed() {
        for (text, expected) in [
            ("/key.json", "/key.json"),
            (" \"/key.json\" \n", "/key.json"),
            ("'{\"id\":\"a\"}'", "{\"id\":\"a\"}"),
            ("\u{feff}' \u{feff}/key.json '", "/key.json"),
            ("\"/key.json'", "\"/key.json'"),
            ("\"\"a\"\"", "\"a\""),
            ("\"", "\""),
            ("", ""),
        ] {
            assert_eq!(without_quotes(text), expected);
        }
    }
}
