//! An IAM token, as a provider of these tests returns it.

use std::time::Duration;

use yandex_cloud_auth::Credential;

/// The token, with the lifetime of IAM's: twelve hours.
pub(crate) fn token(text: &str) -> Credential {
    Credential::iam_token(text)
        .unwrap()
        .with_lifetime(Duration::from_secs(12 * 3600))
}
