//! A cache with a manual clock.

use std::time::Duration;

use tokio::time::sleep;
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{Credential, CredentialCache, ProviderError};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const fn s(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) fn cache(provider: &ScriptedProvider, clock: &ManualClock) -> CredentialCache {
    CredentialCache::builder(provider.clone())
        .clock(clock.clone())
        .build()
}

pub(crate) fn text(credential: &Credential) -> &str {
    credential
        .header_value()
        .to_str()
        .unwrap()
        .split_once(' ')
        .unwrap()
        .1
}

pub(crate) fn message(error: &ProviderError) -> String {
    error.to_string()
}

/// Advances tokio's time and the manual clock together, second by second.
pub(crate) async fn tick(clock: &ManualClock, seconds: u64) {
    for _ in 0..seconds {
        clock.advance(s(1));
        sleep(s(1)).await;
    }
}
