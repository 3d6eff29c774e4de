//! The secrets of these tests, and the search for them.

use std::fmt::{Debug, Display};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A part of every secret below, and of nothing else.
pub(crate) const CANARY: &str = "c4n4ry007";

pub(crate) const TOKEN: &str = "t1.9euelZc4n4ry007PmZGUiY3KzY.c4n4ry007c2lnbmF0dXJl";
pub(crate) const API_KEY: &str = "AQVNc4n4ry007000000000000000000000000098";
pub(crate) const OAUTH_TOKEN: &str = "y0_AgAAAc4n4ry007AAAAAEn0w";
pub(crate) const SUBJECT_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOc4n4ry007.c2ln";

/// In no format of a token.
pub(crate) const PLAIN: &str = CANARY;

pub(crate) const KEY_FILE: &str = include_str!("../fixtures/service_account_key.json");

/// A part of the private key in that file, as it is written there.
pub(crate) fn key_part() -> String {
    let body = KEY_FILE.split("-----").nth(6).unwrap().replace("\\n", "");
    body[400..424].to_owned()
}

/// Everything that a value prints.
pub(crate) fn debug(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

/// Everything that an error and its causes print.
pub(crate) fn error(error: &(impl std::error::Error + 'static)) -> String {
    let mut text = shown(error);
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(" {cause} {cause:?} {cause:#?}");
        source = cause.source();
    }
    text
}

pub(crate) fn shown(value: &(impl Debug + Display)) -> String {
    format!("{value} {value:#} {}", debug(value))
}

#[track_caller]
pub(crate) fn assert_silent(what: &str, text: &str) {
    assert_without(what, text, CANARY);
}

/// Fails if `text` contains `secret` as text, as numbers, in hexadecimal or in base64.
#[track_caller]
pub(crate) fn assert_without(what: &str, text: &str, secret: &str) {
    let lower = text.to_ascii_lowercase();
    for form in forms(secret) {
        let found = text.contains(&form) || lower.contains(&form.to_ascii_lowercase());
        assert!(!found, "{what} contains {secret} as {form}: {text}");
    }
}

fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let list = |separator: &str| {
        bytes
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join(separator)
    };
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![secret.to_owned(), list(", "), list(",\n    "), hex];
    forms.extend((0..3).map(|shift| base64_of(bytes, shift)));
    forms
}

/// The base64 text of `bytes` at an offset of `shift` that does not depend on their neighbours.
fn base64_of(bytes: &[u8], shift: usize) -> String {
    let text = STANDARD.encode([&[0; 2][..shift], bytes].concat());
    let whole = (shift + bytes.len()) / 3 * 4;
    text[if shift == 0 { 0 } else { 4 }..whole].to_owned()
}

#[test]
fn search_finds_secret_in_every_encoding() {
    let around =
        |shift: usize| STANDARD.encode([&b"xx"[..shift], CANARY.as_bytes(), b"yyyy"].concat());
    let bytes = CANARY.as_bytes().to_vec();
    for text in [
        format!("a{CANARY}b"),
        CANARY.to_ascii_uppercase(),
        format!("{bytes:?}"),
        format!("{bytes:#?}"),
        format!("{bytes:02x?}").replace(", ", ""),
        around(0),
        around(1),
        around(2),
    ] {
        assert!(
            std::panic::catch_unwind(|| assert_silent("", &text)).is_err(),
            "{text}"
        );
    }
    assert_silent("", "c4n4ry");
    for secret in [TOKEN, API_KEY, OAUTH_TOKEN, SUBJECT_TOKEN, PLAIN] {
        assert!(secret.contains(CANARY));
    }
}
