//! Verifies the signed JWT of a service account as strictly as the documentation allows.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::clock::unix_nanos;
use crate::testing::cloud::state::accounts::Accounts;
use crate::testing::cloud::wire::status::ErrorStatus;

const MAX_LIFETIME: i64 = 3600;
/// The accepted clock skew of the signer, in seconds. Yandex does not document its own limit.
const MAX_SKEW: i64 = 30;

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several([String; 1]),
}

/// Verifies a JWT and returns the id of the service account that signed it. Its audience is the
/// address of the token method under one of the API `domains`.
pub(crate) fn verify(
    jwt: &str,
    accounts: &Accounts,
    domains: [&str; 2],
    now: SystemTime,
) -> Result<String, ErrorStatus> {
    let (signed, signature) = jwt.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
    let header: Header = part(header)?;
    let claims: Claims = part(claims)?;
    if header.alg != "PS256" {
        return Err(invalid("alg must be PS256"));
    }
    let Some((account, key)) = accounts.key(&header.kid) else {
        return Err(ErrorStatus::unauthenticated(format!(
            "Key '{}' was not found",
            header.kid
        )));
    };
    // As PS256 requires, ring accepts only a salt of the length of the digest (RFC 7518 §3.5).
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_der())
        .verify(signed.as_bytes(), &decoded(signature)?)
        .map_err(|_| invalid("the signature does not match"))?;
    if claims.iss != account.id {
        return Err(invalid("iss is not the owner of the key"));
    }
    check(
        &claims,
        domains,
        i64::try_from(unix_nanos(now) / 1_000_000_000).unwrap_or(i64::MAX),
    )?;
    Ok(claims.iss)
}

fn check(claims: &Claims, domains: [&str; 2], now: i64) -> Result<(), ErrorStatus> {
    let (Audience::One(audience) | Audience::Several([audience])) = &claims.aud;
    let is_of = |domain| *audience == format!("https://iam.{domain}/iam/v1/tokens");
    if !domains.into_iter().any(is_of) {
        return Err(invalid("aud is not the address of the token method"));
    }
    if claims.exp.saturating_sub(claims.iat) > MAX_LIFETIME {
        return Err(invalid("exp is more than an hour after iat"));
    }
    if claims.exp <= now.saturating_sub(MAX_SKEW) {
        return Err(invalid("it has expired"));
    }
    if claims.iat > now.saturating_add(MAX_SKEW) {
        return Err(invalid("iat is in the future"));
    }
    Ok(())
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, ErrorStatus> {
    serde_json::from_slice(&decoded(text)?).map_err(|_| malformed())
}

fn decoded(text: &str) -> Result<Vec<u8>, ErrorStatus> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())
}

fn malformed() -> ErrorStatus {
    ErrorStatus::unauthenticated("JWT is malformed")
}

fn invalid(reason: &str) -> ErrorStatus {
    ErrorStatus::unauthenticated(format!("JWT is invalid: {reason}"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::policy::Region;

    /// A JWT signed by openssl with salts of several lengths, and once without PSS. Its header
    /// always names PS256.
    const SALTS: &str = include_str!("../../keys/salts.txt");

    #[test]
    fn salt_is_as_long_as_digest() {
        let accounts = Accounts::with_ids("ajeaccount", "ajekey");
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_100);
        let taken = |line: &'static str| {
            let (salt, jwt) = line.split_once(' ').unwrap();
            (
                salt,
                verify(jwt, &accounts, [Region::russia().domain(); 2], now).is_ok(),
            )
        };
        let taken: Vec<_> = SALTS.lines().map(taken).collect();
        assert_eq!(
            taken,
            [
                ("32", true),
                ("0", false),
                ("20", false),
                ("222", false),
                ("PKCS1", false)
            ]
        );
    }
}
