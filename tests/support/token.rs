//! An IAM token.

use std::time::Duration;

use yandex_cloud_auth::Credential;

/// An IAM token with the usual lifetime of twelve hours.
pub(crate) fn token(text: &str) -> Credential {
    Credential::iam_token(text)
        .unwrap()
        .with_lifetime(Duration::from_secs(12 * 3600))
}
