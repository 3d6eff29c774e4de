//! Random ids and secrets.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

const ID_LEN: usize = 20;

/// An id of the form that Yandex Cloud uses: twenty lower-case letters and digits, of which the
/// first three are the kind of resource.
pub(crate) fn id(prefix: &str) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz012345";
    let rest = bytes::<ID_LEN>();
    let rest = rest
        .iter()
        .skip(prefix.len())
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    prefix.chars().chain(rest).collect()
}

/// An IAM token of the documented pattern: `t1.`, text, a dot and 86 characters *(IAM token, Yandex
/// Cloud docs)*.
pub(crate) fn iam_token() -> String {
    format!("t1.{}.{}", base64(&bytes::<96>()), base64(&bytes::<64>()))
}

/// An API key of today's form: `AQVN` and 36 more characters.
pub(crate) fn api_key() -> String {
    format!("AQVN{}", base64(&bytes::<27>()))
}

/// An OAuth token of a Yandex account.
pub(crate) fn oauth_token() -> String {
    format!("y0_{}", base64(&bytes::<39>()))
}

/// A subject token in the form of a JWT. Its claims are random bytes.
pub(crate) fn subject_token() -> String {
    format!(
        "{}.{}.{}",
        base64(br#"{"alg":"RS256","typ":"JWT"}"#),
        base64(&bytes::<48>()),
        base64(&bytes::<64>())
    )
}

/// A request id: a UUID, version 4.
pub(crate) fn request_id() -> String {
    let random = u128::from_be_bytes(bytes::<16>());
    let uuid = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{uuid:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

/// A trace id in the form that the cloud's gateway uses.
pub(crate) fn trace_id() -> String {
    let [trace, span] = [(); 2].map(|()| u64::from_be_bytes(bytes::<8>()));
    format!("{trace:016x}:{span:016x}:{trace:016x}:1")
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system provides random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_secrets_have_the_documented_shapes() {
        assert!(id("aje").starts_with("aje") && id("aje").len() == 20);
        assert_eq!(api_key().len(), 40);
        let token = iam_token();
        assert_eq!(token.rsplit('.').next().unwrap().len(), 86);
        assert!(crate::Credential::iam_token(token).is_ok());
        let uuid = request_id();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }
}
