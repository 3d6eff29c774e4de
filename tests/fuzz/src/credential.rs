//! Texts of tokens and API keys.

use yandex_cloud_auth::{Credential, InvalidCredential, Scheme};

use super::input::Input;
use super::reading::is_token68;

/// Must appear in no message.
const CANARY: &str = "Zq7canary7qZ";

/// A byte that says where a canary is inserted, and the text.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let at = usize::from(input.byte());
    let Ok(text) = std::str::from_utf8(input.rest()) else {
        return;
    };
    check(text);
    let at = (0..=at.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at));
    let (before, after) = text.split_at(at.unwrap_or_default());
    check(&format!("{before}{CANARY}{after}"));
}

fn check(text: &str) {
    check_outcome(text, Scheme::Bearer, Credential::iam_token(text));
    check_outcome(text, Scheme::ApiKey, Credential::api_key(text));
}

fn check_outcome(text: &str, scheme: Scheme, outcome: Result<Credential, InvalidCredential>) {
    assert_eq!(outcome.is_ok(), is_accepted(text, scheme), "{text:?}");
    let shown = match outcome {
        Ok(credential) => {
            assert_eq!(credential.expose_secret(), text);
            assert_eq!(credential.scheme(), scheme);
            let header = credential.header_value();
            assert!(header.is_sensitive());
            assert_eq!(header.to_str().ok(), Some(&*format!("{scheme} {text}")));
            format!("{credential:?}{header:?}")
        }
        Err(error) => {
            assert!(error.offset().is_none_or(|at| text.is_char_boundary(at)));
            format!("{error}{error:?}")
        }
    };
    assert!(!shown.contains(CANARY), "{shown}");
}

fn is_accepted(text: &str, scheme: Scheme) -> bool {
    let is_oauth = ["y0_", "y1_", "y2_", "y3_"]
        .iter()
        .any(|p| text.starts_with(p));
    let is_other = match scheme {
        Scheme::Bearer => text.starts_with("AQVN"),
        _ => {
            let text = text.as_bytes();
            text.len() > 2 && text[0] == b't' && text[1].is_ascii_digit() && text[2] == b'.'
        }
    };
    is_token68(text) && text.len() <= 16_384 && !is_oauth && !is_other
}
