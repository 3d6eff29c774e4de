//! A scheme and a secret as a header value, with an expiry if one is known.

mod fingerprint;
mod invalid;
mod scheme;

use std::fmt;
use std::time::{Duration, SystemTime};

use http::HeaderValue;

pub use self::fingerprint::Fingerprint;
pub use self::invalid::InvalidCredential;
#[cfg(feature = "oauth")]
pub(crate) use self::invalid::check_oauth_token;
use self::invalid::{check_kind, check_token68};
pub use self::scheme::Scheme;
use crate::secret::Secret;

/// An IAM token or an API key as a header value, with an expiry if one is known.
///
/// The header text is built once, in memory that is zeroed when the last clone is dropped. `Debug`
/// prints the scheme, the fingerprint and the expiry, never the secret.
///
/// A `Credential` is also a [`CredentialProvider`](crate::CredentialProvider), a static one.
///
/// # Clone
///
/// Clones share the memory and allocate nothing.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use yandex_cloud_auth::{Credential, Scheme};
///
/// let credential = Credential::iam_token("t1.9euelZ")?
///     .with_lifetime(Duration::from_secs(12 * 3600));
/// assert_eq!(credential.scheme(), Scheme::Bearer);
/// assert_eq!(credential.header_value(), "Bearer t1.9euelZ");
/// assert!(credential.header_value().is_sensitive());
/// assert!(!format!("{credential:?}").contains("9euelZ"));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[derive(Clone)]
pub struct Credential {
    header: HeaderValue,
    scheme: Scheme,
    expiry: Expiry,
    max_age: Option<Duration>,
}

/// When a credential expires. The last setter that was called decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// At this time.
    At(SystemTime),
    /// This long after the cache received it.
    In(Duration),
    /// Never, as far as is known.
    Never,
}

impl Credential {
    /// An IAM token, sent as `Authorization: Bearer …`.
    ///
    /// The token has 1 to 16 384 characters of the `token68` set: letters, digits, `-._~+/`, and
    /// `=` at the end or before a `.`, where IAM tokens may have it *(RFC 9110 §11.2)*. White space
    /// is not trimmed.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] if the text has another character, starts with a scheme such as
    /// `Bearer `, or looks like an API key (`AQVN…`) or an OAuth token (`y0_…` to `y3_…`).
    ///
    /// # Examples
    ///
    /// An API key, which has another constructor:
    ///
    /// ```
    /// use yandex_cloud_auth::Credential;
    ///
    /// let error = Credential::iam_token("AQVNexample").unwrap_err();
    /// assert!(error.to_string().contains("use `Credential::api_key`"));
    /// ```
    pub fn iam_token(token: impl AsRef<str>) -> Result<Self, InvalidCredential> {
        Self::new(Scheme::Bearer, token.as_ref())
    }

    /// An API key, sent as `Authorization: Api-Key …`. It has the same characters as an
    /// [IAM token](Self::iam_token).
    ///
    /// For Workflows the key needs the scope `yc.serverless.workflows.execute`, which a key that is
    /// created without a scope does not have: `yc iam api-key create --service-account-name …
    /// --scopes yc.serverless.workflows.execute` *(Yandex Cloud, "API key")*.
    ///
    /// # Errors
    ///
    /// As for [`iam_token`](Self::iam_token). Refuses texts that look like an IAM token (`t1.…`) or
    /// an OAuth token.
    pub fn api_key(key: impl AsRef<str>) -> Result<Self, InvalidCredential> {
        Self::new(Scheme::ApiKey, key.as_ref())
    }

    fn new(scheme: Scheme, token: &str) -> Result<Self, InvalidCredential> {
        check_token68(token)?;
        check_kind(scheme, token)?;
        Ok(Self {
            header: sensitive(Secret::concat(&[
                scheme.as_str().as_bytes(),
                b" ",
                token.as_bytes(),
            ])),
            scheme,
            expiry: Expiry::Never,
            max_age: None,
        })
    }

    /// Sets the time from which it is unusable. Replaces an earlier expiry or lifetime.
    ///
    /// A cache stops using it earlier by 5 % of its lifetime, at most 10 seconds.
    #[must_use]
    pub fn with_expiry(self, at: SystemTime) -> Self {
        Self {
            expiry: Expiry::At(at),
            ..self
        }
    }

    /// Sets the time after which it is unusable, counted from when the cache receives it. Replaces
    /// an earlier expiry or lifetime.
    ///
    /// For responses that state the time left, and for machines whose clock may be wrong.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self {
            expiry: Expiry::In(lifetime),
            ..self
        }
    }

    /// Sets the age at which the cache fetches another one. Until that one arrives, requests use
    /// this one.
    ///
    /// For credentials whose account may change while they are valid, as on a virtual machine. The
    /// cache's own [`max_age`](crate::CredentialCacheBuilder::max_age) applies too; the shorter one
    /// counts.
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self {
            max_age: Some(max_age),
            ..self
        }
    }

    /// The scheme that it is sent with.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The time from which it is unusable. `None` if it has no expiry, or only a lifetime and no
    /// cache has received it yet.
    pub const fn expires_at(&self) -> Option<SystemTime> {
        match self.expiry {
            Expiry::At(at) => Some(at),
            Expiry::In(_) | Expiry::Never => None,
        }
    }

    /// The value of `Authorization`, with the scheme. It is always marked sensitive.
    pub const fn header_value(&self) -> &HeaderValue {
        &self.header
    }

    /// The token or key alone, without its scheme.
    ///
    /// For clients that send it elsewhere than in `Authorization`, such as YDB's. It must not be
    /// logged.
    ///
    /// # Examples
    ///
    /// ```
    /// use yandex_cloud_auth::Credential;
    ///
    /// let credential = Credential::iam_token("t1.9euelZ")?;
    /// assert_eq!(credential.expose_secret(), "t1.9euelZ");
    /// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
    /// ```
    pub fn expose_secret(&self) -> &str {
        let text = std::str::from_utf8(self.header.as_bytes());
        &text.expect("a scheme and token68 are ASCII")[self.scheme.as_str().len() + 1..]
    }

    /// A checksum that identifies the secret in logs without showing it.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(crc32fast::hash(
            &self.header.as_bytes()[self.scheme.as_str().len() + 1..],
        ))
    }

    pub(crate) const fn expiry(&self) -> Expiry {
        self.expiry
    }

    pub(crate) const fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// A copy that shares no memory, so that its clones do not contend on a shared reference count.
    pub(crate) fn deep_clone(&self) -> Self {
        Self {
            header: sensitive(Secret::concat(&[self.header.as_bytes()])),
            ..self.clone()
        }
    }

    /// Whether both have the same scheme and secret.
    pub(crate) fn same_secret(&self, other: &Self) -> bool {
        self.header == other.header
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("scheme", &self.scheme)
            .field("fingerprint", &self.fingerprint())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

fn sensitive(text: Secret) -> HeaderValue {
    let mut value = HeaderValue::from_maybe_shared(text.into_bytes())
        .expect("token68 and a scheme are visible ASCII");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::invalid::{MAX_TOKEN_LEN, Reason};
    use super::*;

    #[test]
    fn token68_with_inner_padding_is_accepted() {
        let long = "a".repeat(MAX_TOKEN_LEN);
        for good in [
            "t1.abc-_.sig",
            "a",
            "A==",
            "t1.YWJj==.c2ln==",
            "-._~+/",
            "a.=",
            "Bearer",
            "bearer-x",
            &long,
        ] {
            assert!(
                Credential::iam_token(good).is_ok(),
                "{}",
                &good[..good.len().min(20)]
            );
        }
    }

    #[test]
    fn invalid_text_is_refused_with_offset() {
        let long = "a".repeat(MAX_TOKEN_LEN + 1);
        let cases: &[(&str, Reason, Option<usize>)] = &[
            ("", Reason::Empty, None),
            (&long, Reason::TooLong(MAX_TOKEN_LEN), None),
            ("Bearer abc", Reason::Prefix(Scheme::Bearer), Some(0)),
            ("api-key abc", Reason::Prefix(Scheme::ApiKey), Some(0)),
            ("BEARER\tabc", Reason::Prefix(Scheme::Bearer), Some(0)),
            ("abc\n", Reason::WhiteSpace, Some(3)),
            (" abc", Reason::WhiteSpace, Some(0)),
            ("a\tb", Reason::WhiteSpace, Some(1)),
            ("a\r\nb", Reason::WhiteSpace, Some(1)),
            ("ab\0", Reason::Character, Some(2)),
            ("ab\u{7f}", Reason::Character, Some(2)),
            ("abé", Reason::Character, Some(2)),
            ("a,b", Reason::Character, Some(1)),
            ("a\"b", Reason::Character, Some(1)),
            ("a:b", Reason::Character, Some(1)),
            ("=", Reason::Padding, Some(0)),
            ("=.a", Reason::Padding, Some(0)),
            ("a=b", Reason::Padding, Some(1)),
            ("a==b", Reason::Padding, Some(2)),
        ];
        for (text, reason, offset) in cases {
            let error = Credential::api_key(text).unwrap_err();
            assert_eq!(
                (error.reason, error.offset()),
                (*reason, *offset),
                "{error}"
            );
        }
    }

    #[test]
    fn only_token68_characters_are_accepted() {
        for character in (0..=0x2ff_u32).filter_map(char::from_u32) {
            for text in [
                format!("{character}canary"),
                format!("can{character}ary"),
                format!("canary{character}"),
            ] {
                let plain = character.is_ascii_alphanumeric() || "-._~+/".contains(character);
                let padding = character == '=' && text.ends_with('=');
                let outcome = Credential::iam_token(&text);
                assert_eq!(outcome.is_ok(), plain || padding, "{text:?}");
                if let Err(error) = outcome {
                    assert_eq!(error.offset(), text.find(character));
                    assert!(!format!("{error} {error:?}").contains("canary"));
                }
            }
        }
    }

    #[test]
    fn secret_of_other_kind_is_refused_by_name() {
        let text = |result: Result<Credential, InvalidCredential>| {
            let error = result.unwrap_err();
            assert_eq!(error.offset(), Some(0));
            error.to_string()
        };
        assert!(text(Credential::api_key("t1.9euelZ.x")).contains("`Credential::iam_token`"));
        assert!(text(Credential::iam_token("AQVNabc")).contains("`Credential::api_key`"));
        for oauth in ["y0_abc", "y1_abc", "y2_abc", "y3_abc"] {
            assert!(text(Credential::iam_token(oauth)).contains("`OAuthToken`"));
            assert!(text(Credential::api_key(oauth)).contains("`OAuthToken`"));
        }
        for other in ["CggVAgAAA", "tx.a", "y4_a", "AQVx"] {
            assert!(Credential::iam_token(other).is_ok() && Credential::api_key(other).is_ok());
        }
    }

    #[test]
    fn error_names_offset_and_hides_value() {
        let error = Credential::iam_token("canary canary").unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid credential: white space, trim it (at offset 6)"
        );
        assert!(!format!("{error:?}").contains("canary"));
    }

    #[test]
    fn every_copy_has_sensitive_header() {
        let key = Credential::api_key("AQVNcanary").unwrap();
        for copy in [key.clone(), key.deep_clone()] {
            assert_eq!(copy.header_value(), "Api-Key AQVNcanary");
            assert_eq!(copy.expose_secret(), "AQVNcanary");
            assert!(copy.header_value().is_sensitive());
            assert!(copy.same_secret(&key));
            assert!(!format!("{copy:?} {:?}", copy.header_value()).contains("canary"));
            assert!(format!("{copy:?}").contains(&format!("{:?}", copy.fingerprint())));
            assert_eq!(format!("{:?}", copy.fingerprint()).len(), 8);
        }
        assert_ne!(
            key.deep_clone().header.as_bytes().as_ptr(),
            key.header.as_bytes().as_ptr()
        );
        assert_eq!(
            key.clone().header.as_bytes().as_ptr(),
            key.header.as_bytes().as_ptr()
        );
    }

    #[test]
    fn scheme_displays_as_in_header() {
        assert_eq!(Scheme::ApiKey.to_string(), "Api-Key");
        assert_eq!(Scheme::Bearer.to_string(), "Bearer");
    }

    #[test]
    fn other_token_or_scheme_is_another_secret() {
        let token = Credential::iam_token("a").unwrap();
        for other in [Credential::iam_token("b"), Credential::api_key("a")] {
            assert!(!token.same_secret(&other.unwrap()));
        }
        assert!(token.same_secret(&token.clone().with_max_age(Duration::ZERO)));
    }

    #[test]
    fn fingerprint_is_crc_32_of_secret() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(
            Credential::iam_token("123456789")
                .unwrap()
                .fingerprint()
                .to_string(),
            "CBF43926"
        );
        let key = Credential::api_key("123456789").unwrap();
        assert_eq!(
            key.fingerprint(),
            Credential::iam_token("123456789").unwrap().fingerprint()
        );
    }

    #[test]
    fn last_expiry_setter_decides() {
        let token = Credential::iam_token("a").unwrap();
        assert_eq!(token.expiry(), Expiry::Never);
        let token = token.with_expiry(SystemTime::UNIX_EPOCH);
        assert_eq!(token.expires_at(), Some(SystemTime::UNIX_EPOCH));
        let token = token.with_lifetime(Duration::MAX);
        assert_eq!(
            (token.expires_at(), token.expiry()),
            (None, Expiry::In(Duration::MAX))
        );
    }
}
