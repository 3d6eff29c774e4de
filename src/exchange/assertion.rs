//! The signed JWT that a service account exchanges for a token *(RFC 7519, RFC 7523; Yandex Cloud,
//! "Getting an IAM token for a service account")*.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::RSA_PSS_SHA256;
use serde::Serialize;
use zeroize::Zeroizing;

use super::authorized_key::AuthorizedKey;
use crate::error::ProviderError;

/// How far `iat` is set back, since the local clock may be ahead of IAM's.
const BACKDATE: Duration = Duration::from_secs(60);

/// The longest time between `iat` and `exp` that IAM accepts, since the local clock may be behind.
const LIFETIME: Duration = Duration::from_secs(3600);

#[derive(Serialize)]
struct Header<'a> {
    typ: &'a str,
    alg: &'a str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
}

/// Signs with PS256: RSASSA-PSS with SHA-256 and a salt of 32 bytes *(RFC 7518 §3.5)*.
///
/// This takes milliseconds of CPU time.
pub(crate) fn sign(
    key: &AuthorizedKey,
    audience: &str,
    now: SystemTime,
) -> Result<Zeroizing<String>, ProviderError> {
    let signed = signed_part(key, audience, now);
    let mut signature = vec![0; key.pair.public().modulus_len()];
    key.pair
        .sign(
            &RSA_PSS_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .map_err(|_| {
            ProviderError::transient(
                "the assertion could not be signed: the system returned no random bytes",
            )
        })?;
    // The signed part is not a secret without the signature.
    let mut jwt = Zeroizing::new(String::with_capacity(
        signed.len() + 1 + signature.len() * 4 / 3 + 4,
    ));
    jwt.push_str(&signed);
    jwt.push('.');
    URL_SAFE_NO_PAD.encode_string(&signature, &mut jwt);
    Ok(jwt)
}

/// The header and the claims.
fn signed_part(key: &AuthorizedKey, audience: &str, now: SystemTime) -> String {
    let iat = now
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .saturating_sub(BACKDATE)
        .as_secs();
    let header = Header {
        typ: "JWT",
        alg: "PS256",
        kid: &key.id,
    };
    let claims = Claims {
        iss: &key.service_account_id,
        aud: audience,
        iat,
        exp: iat.saturating_add(LIFETIME.as_secs()),
    };
    format!("{}.{}", encode(&header), encode(&claims))
}

fn encode(part: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).expect("strings and numbers are always JSON"))
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    fn key() -> AuthorizedKey {
        let pem = include_str!("../../tests/fixtures/service_account_key.pem");
        let file =
            serde_json::json!({ "id": "aj\"ek", "service_account_id": "ajes", "private_key": pem });
        AuthorizedKey::parse(&file.to_string()).unwrap()
    }

    fn json(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    #[test]
    fn assertion_has_documented_claims_and_signature() {
        let (key, now) = (key(), UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let jwt = sign(&key, "https://iam/t", now).unwrap();
        let parts: Vec<&str> = jwt.split('.').collect();
        assert_eq!(
            json(parts[0]),
            serde_json::json!({ "typ": "JWT", "alg": "PS256", "kid": "aj\"ek" })
        );
        let claims = serde_json::json!({ "iss": "ajes", "aud": "https://iam/t", "iat": 1_799_999_940, "exp": 1_800_003_540 });
        assert_eq!(json(parts[1]), claims);

        // This verifier accepts only a salt of 32 bytes.
        let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.pair.public().as_ref());
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        public
            .verify(jwt.rsplit_once('.').unwrap().0.as_bytes(), &signature)
            .unwrap();
        assert!(public.verify(b"something else", &signature).is_err());
    }

    #[test]
    fn extreme_clock_does_not_panic() {
        for now in [
            UNIX_EPOCH - Duration::from_secs(5),
            UNIX_EPOCH,
            UNIX_EPOCH + Duration::from_secs(u32::MAX.into()),
        ] {
            let jwt = sign(&key(), "a", now).unwrap();
            let claims = json(jwt.split('.').nth(1).unwrap());
            assert_eq!(
                claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
                3600
            );
        }
    }
}
