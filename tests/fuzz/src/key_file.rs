//! Key files of service accounts.

use serde_json::json;
use yandex_cloud_auth::ServiceAccountKey;

use super::input::Input;

const PEM: &str = include_str!("../../fixtures/service_account_key.pem");

/// Appears in the key, and must appear in no message.
const CANARY: &str = "Zq7canary7qZ";

/// Stands for the valid key in an input, so that inputs stay small.
const PLACE: &str = "$KEY";

/// A byte for what the rest is: the whole file, the private key, or changes to a valid one.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte();
    let text = String::from_utf8_lossy(input.rest());
    let key = match kind % 4 {
        0 => return check(&text.replace(PLACE, json!(PEM).to_string().trim_matches('"'))),
        1 => text.replace(PLACE, PEM),
        2 => format!("-----BEGIN {CANARY}{text}"),
        _ => changed(input),
    };
    check(&json!({ "id": "ajek", "service_account_id": "ajes", "private_key": key }).to_string());
}

/// The valid key, with characters at some places replaced.
fn changed(mut input: Input<'_>) -> String {
    let mut pem = PEM.as_bytes().to_vec();
    while let (Some(high), Some(low), Some(byte)) = (input.next(), input.next(), input.next()) {
        let at = usize::from(u16::from_be_bytes([high, low])) % pem.len();
        pem[at] = byte & 0x7f;
    }
    String::from_utf8(pem).expect("all bytes are ASCII")
}

fn check(text: &str) {
    match ServiceAccountKey::from_json(text) {
        Ok(key) => {
            let shown = format!("{key:?}");
            assert!(!shown.contains("-----BEGIN"), "{shown}");
            assert!(!PEM.lines().any(|line| shown.contains(line)), "{shown}");
        }
        Err(error) => {
            let shown = format!("{error}{error:?}");
            assert!(error.is_permanent(), "{shown}");
            assert!(!shown.contains(CANARY) && shown.len() < 1024, "{shown}");
            assert!(!shown.chars().any(char::is_control), "{shown:?}");
        }
    }
}
