//! When one process requests a token.

use std::time::Duration;

use yandex_cloud_auth::testing::SimulatedCache;
use yandex_cloud_auth::{Credential, ProviderError};

use super::endpoint::Endpoint;
use super::random::Random;

pub(crate) trait Policy {
    /// When the next token is requested, after a request at `at` was answered so.
    fn next(&mut self, at: Duration, response: Result<&Credential, &ProviderError>) -> Duration;
}

/// The times at which a process that starts at `start` requests a token.
pub(crate) fn attempts(
    mut policy: impl Policy,
    start: Duration,
    endpoint: &Endpoint,
) -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(start), move |at| {
        Some(policy.next(*at, endpoint.response(*at)))
    })
}

/// The schedule and the cool-down of this crate.
pub(crate) struct ThisCrate {
    cache: SimulatedCache,
    random: Random,
}

impl ThisCrate {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            cache: SimulatedCache::new(),
            random: Random::new(seed),
        }
    }
}

impl Policy for ThisCrate {
    fn next(&mut self, at: Duration, response: Result<&Credential, &ProviderError>) -> Duration {
        let Self { cache, random } = self;
        match response {
            Ok(credential) => cache.fetched(at, credential, || random.next()),
            Err(error) => cache.failed(at, error, || random.next()),
        }
        cache.next_fetch().expect("the tokens expire")
    }
}

/// A request of the process requests a token first if the last one is of this age, and so does each
/// further request until one arrives.
///
/// The SDKs do so, as their sources of 2026 show. Go and Java: until `expiresAt`. .NET: until 5
/// minutes before it. AI Studio, in Python: for an hour. Python: for 20 seconds. The attempts that
/// gRPC adds by itself are left out: under a failure its throttling allows two or three.
pub(crate) struct OnRequest {
    pub(crate) age: Duration,
}

impl OnRequest {
    /// The time between two requests of the process.
    const INTERVAL: Duration = Duration::from_secs(1);
}

impl Policy for OnRequest {
    fn next(&mut self, at: Duration, response: Result<&Credential, &ProviderError>) -> Duration {
        match response {
            Ok(_) => at + self.age,
            Err(_) => at + Self::INTERVAL,
        }
    }
}
