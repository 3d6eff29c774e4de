//! What a log shows of a secret.

use std::fmt;

/// The CRC-32 (IEEE) of a secret, printed as eight upper-case hexadecimal digits, as YDB's Go SDK
/// does.
///
/// It identifies a credential in a log. It is not a cryptographic hash and must not be used to
/// compare secrets.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::Credential;
///
/// let token = Credential::iam_token("t1.9euelZ")?;
/// assert_eq!(token.fingerprint().to_string(), "BF0FFC29");
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub(super) u32);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
