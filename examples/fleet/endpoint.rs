//! The token endpoint: it issues tokens of one lifetime, and fails during an outage.

use std::ops::Range;
use std::time::Duration;

use yandex_cloud_auth::{Credential, ProviderError};

pub(crate) struct Endpoint {
    token: Credential,
    down: Range<Duration>,
    error: ProviderError,
}

impl Endpoint {
    pub(crate) fn new(lifetime: Duration, down: Range<Duration>) -> Self {
        let token = Credential::iam_token("t1.a").expect("a valid token");
        Self {
            token: token.with_lifetime(lifetime),
            down,
            error: ProviderError::transient("the endpoint is down"),
        }
    }

    /// The response at this time.
    pub(crate) fn response(&self, at: Duration) -> Result<&Credential, &ProviderError> {
        if self.down.contains(&at) {
            Err(&self.error)
        } else {
            Ok(&self.token)
        }
    }
}
