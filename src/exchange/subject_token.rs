//! The claims of a subject token. Most federations fail on one of them.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::redact;

/// The `iss`, `aud`, `sub` and `exp` of a JWT, for an error *(RFC 7519 §4.1)*. They are read
/// without verification, and nothing else of the token is shown.
pub(crate) fn describe(token: &str, now: SystemTime) -> String {
    let Some(claims) = claims(token) else {
        return "the subject token is not a JWT".into();
    };
    format!(
        "the subject token has {}, {}, {}, {}",
        names("iss", claims.get("iss")),
        names("aud", claims.get("aud")),
        names("sub", claims.get("sub")),
        expiry(claims.get("exp"), now),
    )
}

/// The payload of a signed JWT *(RFC 7515 §3.1)*.
fn claims(token: &str) -> Option<Map<String, Value>> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&json).ok()
}

/// A string, or several: `aud` may be an array *(RFC 7519 §4.1.3)*.
fn names(claim: &str, value: Option<&Value>) -> String {
    const MAX_NAMES: usize = 5;
    let values = match value {
        None | Some(Value::Null) => return format!("no `{claim}`"),
        Some(Value::Array(values)) => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
    };
    let names: Option<Vec<_>> = values.iter().take(MAX_NAMES).map(name).collect();
    let Some(names) = names.filter(|names| !names.is_empty()) else {
        return format!("an invalid `{claim}`");
    };
    let more = match values.len().saturating_sub(MAX_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("`{claim}` {}{more}", names.join(" and "))
}

fn name(value: &Value) -> Option<String> {
    Some(format!("\"{}\"", redact::claim(value.as_str()?)))
}

/// A number of seconds since the Unix epoch, which may have a fraction *(RFC 7519 §2)*.
fn expiry(value: Option<&Value>, now: SystemTime) -> String {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return "no `exp`".into();
    };
    let Some(seconds) = value.as_f64() else {
        return "an invalid `exp`".into();
    };
    let now = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let state = match seconds <= now.as_secs_f64() {
        true => "it has expired",
        false => "it has not expired",
    };
    // Saturates, so that the text stays short.
    format!("`exp` {} ({state})", seconds.floor() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn described(token: &str) -> String {
        describe(token, SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
    }

    fn jwt(payload: &str) -> String {
        format!("e30.{}.canary", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn claims_are_shown_without_signature() {
        for (payload, text) in [
            (
                r#"{"iss":"https://token.actions.githubusercontent.com","aud":"https://github.com/owner","sub":"repo:owner/name:ref:refs/heads/main","exp":1700000600,"jti":"canary"}"#,
                "`iss` \"https://token.actions.githubusercontent.com\", `aud` \"https://github.com/owner\", \
                 `sub` \"repo:owner/name:ref:refs/heads/main\", `exp` 1700000600 (it has not expired)",
            ),
            (
                r#"{"iss":"i","aud":["a","b"],"sub":"s","exp":1700000000}"#,
                "`iss` \"i\", `aud` \"a\" and \"b\", `sub` \"s\", `exp` 1700000000 (it has expired)",
            ),
            (
                r#"{"aud":["a","b","c","d","e","f","g"],"sub":"","exp":-1.5}"#,
                "no `iss`, `aud` \"a\" and \"b\" and \"c\" and \"d\" and \"e\" and 2 more, `sub` \"\", `exp` -2 (it has expired)",
            ),
            (
                r#"{"iss":1,"aud":[],"sub":{"canary":1},"exp":"canary"}"#,
                "an invalid `iss`, an invalid `aud`, an invalid `sub`, an invalid `exp`",
            ),
            (
                r#"{"exp":1e300}"#,
                "no `iss`, no `aud`, no `sub`, `exp` 9223372036854775807 (it has not expired)",
            ),
            (
                r#"{"iss":null,"sub":"eyJcanary.a\n\u202eb"}"#,
                "no `iss`, no `aud`, `sub` \"[secret]  b\", no `exp`",
            ),
        ] {
            let shown = described(&jwt(payload));
            assert_eq!(shown, format!("the subject token has {text}"));
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn other_token_is_not_a_jwt() {
        let nested = jwt(&"[".repeat(50_000));
        for token in [
            "",
            "canary",
            "t1.canary",
            "e30.e30",
            "e30.e30.c2ln.e30.e30",
            "e30.canary.c2ln",
            "e30.W10.c2ln",
            "e30.e30=.c2ln",
            &nested,
        ] {
            assert_eq!(described(token), "the subject token is not a JWT");
        }
    }
}
