//! The form of the expiry in a response of IAM.

use std::time::SystemTime;

use jiff::Timestamp;

/// The form of the field `expiresAt` in IAM's responses. Default: nine digits of a second, as the
/// cloud writes it.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::testing::{ExpiresAt, FakeCloud};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let cloud = FakeCloud::start().await;
/// cloud.set_expires_at(ExpiresAt::Missing);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpiresAt {
    /// RFC 3339 in UTC with this number of digits of a second, 0 to 9.
    Digits(u8),
    /// The field is missing.
    Missing,
    /// This text, independent of the expiry.
    Verbatim(String),
}

impl Default for ExpiresAt {
    fn default() -> Self {
        Self::Digits(9)
    }
}

impl ExpiresAt {
    pub(crate) fn render(&self, end: SystemTime) -> Option<String> {
        match self {
            Self::Digits(digits) => Some(rfc3339(end, *digits)),
            Self::Missing => None,
            Self::Verbatim(text) => Some(text.clone()),
        }
    }
}

pub(crate) fn rfc3339(time: SystemTime, digits: u8) -> String {
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::MAX);
    format!("{time:.*}", usize::from(digits.min(9)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn expiry_is_written_as_requested() {
        let end = UNIX_EPOCH + Duration::new(1_742_699_198, 419_948_750);
        let cases = [
            (ExpiresAt::default(), Some("2025-03-23T03:06:38.419948750Z")),
            (ExpiresAt::Digits(7), Some("2025-03-23T03:06:38.4199487Z")),
            (ExpiresAt::Digits(0), Some("2025-03-23T03:06:38Z")),
            (ExpiresAt::Missing, None),
            (ExpiresAt::Verbatim("soon".to_owned()), Some("soon")),
        ];
        for (form, expected) in cases {
            assert_eq!(form.render(end).as_deref(), expected);
        }
    }
}
