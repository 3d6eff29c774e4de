//! A service account's authorized key: the formats of its file, and the files that people use by
//! mistake.
//!
//! *(Yandex Cloud, "Authorized keys")*

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::error::KeyRejected;
use ring::signature::RsaKeyPair;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::redact;

/// A key, and the service account that it belongs to.
pub(crate) struct AuthorizedKey {
    pub(crate) id: String,
    pub(crate) service_account_id: String,
    pub(crate) pair: RsaKeyPair,
}

/// Why a text is not such a key. It says what to do, and contains nothing of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InvalidKey {
    /// The JSON ends too early: it may be being written.
    Incomplete,
    /// The text is complete and not such a key.
    Wrong(String),
}

impl AuthorizedKey {
    /// Parses the file that `yc iam key create` writes, or the response of the REST API.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidKey> {
        let text = text.trim_start_matches('\u{feff}');
        if is_pem(text) {
            return Err(wrong(PEM_ALONE));
        }
        let file: KeyFile = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        let outer = Owner {
            id: file.id,
            service_account_id: file.service_account_id,
            user_account_id: file.user_account_id,
        };
        let owner = file.key.unwrap_or(outer);
        if owner.service_account_id.is_none() && owner.user_account_id.is_some() {
            return Err(wrong(
                "it is the key of a user account (`user_account_id`): create one of a service account",
            ));
        }
        let private_key = file.private_key.ok_or_else(|| missing("private_key"))?;
        Ok(Self {
            id: present(owner.id, "id")?,
            service_account_id: present(owner.service_account_id, "service_account_id")?,
            pair: rsa_key_pair(&private_key.0)
                .map_err(|reason| wrong(format!("`private_key`: {reason}")))?,
        })
    }
}

impl fmt::Debug for AuthorizedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizedKey")
            .field("id", &redact::setting(&self.id))
            .field(
                "service_account_id",
                &redact::setting(&self.service_account_id),
            )
            .finish_non_exhaustive()
    }
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => {
                f.write_str("its JSON ends too early: it is empty, half-written or cut")
            }
            Self::Wrong(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for InvalidKey {}

/// The flat form of the file, or the nested form of the REST response with `key`. Other fields are
/// ignored.
///
/// The flat fields are listed, since `serde(flatten)` would keep a copy of the private key.
#[derive(Deserialize)]
struct KeyFile {
    id: Option<String>,
    #[serde(alias = "serviceAccountId")]
    service_account_id: Option<String>,
    #[serde(alias = "userAccountId")]
    user_account_id: Option<String>,
    #[serde(alias = "privateKey")]
    private_key: Option<SecretText>,
    key: Option<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    id: Option<String>,
    #[serde(alias = "serviceAccountId")]
    service_account_id: Option<String>,
    #[serde(alias = "userAccountId")]
    user_account_id: Option<String>,
}

struct SecretText(Zeroizing<String>);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// Only the kind and the position: the text of `serde_json` quotes the input.
fn not_json(error: &serde_json::Error) -> InvalidKey {
    if error.is_eof() {
        return InvalidKey::Incomplete;
    }
    let what = if error.is_data() {
        "a field of the wrong type"
    } else {
        "not JSON"
    };
    wrong(format!(
        "{what} (at line {}, column {})",
        error.line(),
        error.column()
    ))
}

fn present(value: Option<String>, field: &str) -> Result<String, InvalidKey> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| missing(field))
}

fn missing(field: &str) -> InvalidKey {
    wrong(format!(
        "the field `{field}` is missing: use the file that `yc iam key create` wrote"
    ))
}

fn wrong(reason: impl Into<String>) -> InvalidKey {
    InvalidKey::Wrong(reason.into())
}

const PEM_ALONE: &str = "it is a private key alone (PEM): use the whole JSON file that `yc iam key create` wrote, with `id`, `service_account_id` and `private_key`";

/// Whether the text is PEM, which may begin with a line of explanation.
fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN") && !text.trim_start().starts_with(['{', '[', '"'])
}

/// The key in a PEM text, which may begin with a line of explanation *(RFC 7468 §2)*, as those of
/// Yandex Cloud do.
fn rsa_key_pair(pem: &str) -> Result<RsaKeyPair, &'static str> {
    let (label, body) = only_block(pem)?;
    if label.contains("ENCRYPTED") || body.contains("ENCRYPTED") {
        return Err(
            "it is encrypted, which authorized keys are not: export it without a passphrase",
        );
    }
    let parse = match label {
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8,
        "RSA PRIVATE KEY" => RsaKeyPair::from_der,
        "EC PRIVATE KEY" => return Err(NOT_RSA),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => return Err("it is a public key"),
        "CERTIFICATE" => return Err("it is a certificate"),
        _ => return Err("it is not a private key"),
    };
    // Allocated at its maximum: growing would leave copies of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(body.len()));
    text.extend(body.split_ascii_whitespace());
    let mut der = Zeroizing::new(vec![0; text.len()]);
    let len = STANDARD
        .decode_slice(&*text, &mut der)
        .map_err(|_| "its base64 is damaged")?;
    parse(&der[..len]).map_err(rejection)
}

/// The label and the body of the only PEM block.
fn only_block(pem: &str) -> Result<(&str, &str), &'static str> {
    const CUT: &str = "its PEM block is cut";
    let (_, block) = pem
        .split_once("-----BEGIN ")
        .ok_or("it has no line `-----BEGIN PRIVATE KEY-----`")?;
    let (label, rest) = block.split_once("-----").ok_or(CUT)?;
    let (body, after) = rest.split_once("-----END ").ok_or(CUT)?;
    if body.contains("-----") || !after.starts_with(label) {
        return Err(CUT);
    }
    if after.contains("-----BEGIN ") {
        return Err("it has several PEM blocks instead of one private key");
    }
    Ok((label, body))
}

const NOT_RSA: &str = "it is not an RSA key (EC or Ed25519?): IAM accepts RSA only";

fn rejection(error: KeyRejected) -> &'static str {
    match error.to_string().as_str() {
        "WrongAlgorithm" => NOT_RSA,
        "TooSmall" => "the RSA key is shorter than 2048 bits",
        "TooLarge" => "the RSA key is longer than 4096 bits",
        _ => "the RSA key is damaged",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../tests/fixtures/service_account_key.pem");

    fn file(private_key: &str) -> String {
        serde_json::json!({ "id": "ajek", "service_account_id": "ajes", "private_key": private_key }).to_string()
    }

    fn parse(text: &str) -> Result<AuthorizedKey, InvalidKey> {
        AuthorizedKey::parse(text)
    }

    #[test]
    fn key_file_is_read_in_every_format() {
        let pem = serde_json::Value::from(KEY).to_string();
        let preamble = "PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <ajek>\n";
        let escaped = serde_json::Value::from(format!("{preamble}{KEY}")).to_string();
        let escaped = escaped.replace('<', "\\u003c").replace('>', "\\u003e");
        let pkcs1 = file(include_str!("../../tests/fixtures/pkcs1.pem"));
        for text in [
            file(KEY),
            file(&format!("{preamble}{KEY}")),
            file(&KEY.replace('\n', "\r\n")),
            file(KEY.trim_end()),
            pkcs1,
            format!("\u{feff}{}", file(KEY)),
            format!("\r\n{}\r\n", file(KEY).replace(',', ",\r\n")),
            format!(r#"{{"id":"ajek","service_account_id":"ajes","private_key":{escaped}}}"#),
            format!(r#"{{"id":"ajek","serviceAccountId":"ajes","privateKey":{pem}}}"#),
            format!(
                r#"{{"key":{{"id":"ajek","serviceAccountId":"ajes","keyAlgorithm":"RSA_2048"}},"privateKey":{pem}}}"#
            ),
            format!(
                r#"{{"id":"ajek","service_account_id":"ajes","created_at":"2025","key_algorithm":"RSA_2048","public_key":"x",
                   "endpoint":{{"a":[1]}},"user_account_id":"aju","private_key":{pem}}}"#
            ),
        ] {
            let key = parse(&text).unwrap();
            assert_eq!(
                (key.id.as_str(), key.service_account_id.as_str()),
                ("ajek", "ajes")
            );
            assert_eq!(key.pair.public().modulus_len(), 256);
        }
    }

    #[test]
    fn text_that_ends_too_early_is_incomplete() {
        let whole = file(KEY);
        for end in [0, 1, whole.len() / 2, whole.len() - 1] {
            assert_eq!(
                parse(&whole[..end]).unwrap_err(),
                InvalidKey::Incomplete,
                "{end}"
            );
        }
        assert_eq!(
            parse(&format!("{{\"x\":{}", "[".repeat(60_000))).unwrap_err(),
            InvalidKey::Incomplete
        );
    }

    #[test]
    fn invalid_key_is_named_and_not_shown() {
        let double = format!("{KEY}{KEY}");
        for (text, reason) in [
            (
                KEY.into(),
                "a private key alone (PEM): use the whole JSON file",
            ),
            (
                format!("PLEASE DO NOT REMOVE THIS LINE!\n{KEY}"),
                "a private key alone (PEM)",
            ),
            ("canary".into(), "not JSON (at line 1, column 1)"),
            ("[\"canary\"]".into(), "a field of the wrong type"),
            ("\"canary\"".into(), "a field of the wrong type"),
            (
                r#"{"private_key":["canary"]}"#.into(),
                "a field of the wrong type (at line 1",
            ),
            (
                r#"{"private_key":"canary","privateKey":"canary"}"#.into(),
                "a field of the wrong type",
            ),
            ("{}".into(), "`private_key` is missing"),
            (
                r#"{"id":"a","private_key":null}"#.into(),
                "`private_key` is missing",
            ),
            (file(KEY).replace("ajek", ""), "`id` is missing"),
            (file(KEY).replace("\"id\"", "\"x\""), "`id` is missing"),
            (
                file(KEY).replace("service_account_id", "x"),
                "`service_account_id` is missing",
            ),
            (
                file(KEY).replace("service_account_id", "user_account_id"),
                "user account",
            ),
            (file("canary"), "no line `-----BEGIN PRIVATE KEY-----`"),
            (file(""), "no line `-----BEGIN PRIVATE KEY-----`"),
            (file("-----BEGIN canary"), "cut"),
            (file(&KEY[..KEY.len() / 2]), "cut"),
            (file(&KEY.replace("END PRIVATE", "END PUBLIC")), "cut"),
            (file(&double), "several PEM blocks"),
            (
                file(include_str!("../../tests/fixtures/encrypted.pem")),
                "encrypted",
            ),
            (
                file(include_str!("../../tests/fixtures/encrypted_pkcs1.pem")),
                "encrypted",
            ),
            (
                file(include_str!("../../tests/fixtures/ec.pem")),
                "not an RSA key",
            ),
            (
                file(include_str!("../../tests/fixtures/ec_sec1.pem")),
                "not an RSA key",
            ),
            (
                file(include_str!("../../tests/fixtures/ed25519.pem")),
                "not an RSA key",
            ),
            (
                file(include_str!("../../tests/fixtures/public_key.pem")),
                "public key",
            ),
            (
                file(include_str!("../../tests/fixtures/certificate.pem")),
                "certificate",
            ),
            (
                file(include_str!("../../tests/fixtures/rsa_1024.pem")),
                "shorter than 2048 bits",
            ),
            (
                file(&KEY.replace("PRIVATE KEY", "CANARY")),
                "not a private key",
            ),
            (file(&KEY.replace('M', "!")), "base64 is damaged"),
            (
                file("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
                "damaged",
            ),
            ("[".repeat(60_000), "a field of the wrong type"),
        ] {
            let error = parse(&text).unwrap_err();
            assert_ne!(error, InvalidKey::Incomplete, "{reason}");
            assert!(
                error.to_string().contains(reason),
                "{error}, where `{reason}` was expected"
            );
            assert!(
                !error.to_string().to_lowercase().contains("canary"),
                "{error}"
            );
        }
    }

    #[test]
    fn debug_shows_only_ids() {
        assert_eq!(
            format!("{:?}", parse(&file(KEY)).unwrap()),
            r#"AuthorizedKey { id: "ajek", service_account_id: "ajes", .. }"#
        );
    }

    #[test]
    fn debug_hides_key_in_place_of_id() {
        for id in [KEY, "-----BEGIN canary", &KEY[28..92]] {
            let id = serde_json::Value::from(id).to_string();
            for text in [
                file(KEY).replace("\"ajek\"", &id),
                file(KEY).replace("\"ajes\"", &id),
            ] {
                let shown = format!("{:?}", parse(&text).unwrap());
                assert!(shown.contains("it may be a secret"), "{shown}");
                assert!(!shown.contains("canary") && shown.len() < 150, "{shown}");
            }
        }
    }
}
