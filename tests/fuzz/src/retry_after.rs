//! `Retry-After`, and how long a cache waits because of it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::Response;
use http_body_util::Full;
use yandex_cloud_auth::{Clock, Credential, CredentialCache, CredentialProvider, ProviderError};

use super::clock::MovedClock;
use super::input::Input;
use super::network::{Provider, check_error, set_field};

/// A byte for the status, a line for `Date`. The rest is `Retry-After`.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let status = input.pick(&[429_u16, 503, 500, 401]);
    let date = input.line();
    let text = input.rest();
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status.try_into().expect("the constants are statuses");
    set_field(&mut response, "date", date);
    set_field(&mut response, "retry-after", text);
    let is_set = response.headers().contains_key("retry-after");

    let error = Provider::WorkloadIdentity
        .fetch(response)
        .expect_err("the status is an error");
    check_error(Provider::WorkloadIdentity, &error);
    match seconds(text) {
        Some(seconds) => assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds))),
        None if !is_set => assert_eq!(error.retry_after(), None),
        // A date, or no delay at all.
        None => assert!(error.retry_after().is_none() || text.len() > 20),
    }
    check_pause(error);
}

fn seconds(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let is_field = !text.contains(&b'\n') && !text.contains(&b'\r') && !text.contains(&0x0c);
    (is_number && is_field).then(|| {
        let value = digits.iter().fold(0_u128, |value, digit| {
            value
                .saturating_mul(10)
                .saturating_add(u128::from(digit - b'0'))
        });
        u64::try_from(value).unwrap_or(u64::MAX)
    })
}

/// The next attempt is not before the delay, and at most ten minutes from now.
fn check_pause(error: ProviderError) {
    let delay = error.retry_after().unwrap_or_default();
    let clock = MovedClock::new();
    let cache = CredentialCache::builder(Failing(error))
        .clock(clock.clone())
        .build();
    let outcome = cache.get().now_or_never().expect("nothing here waits");
    assert!(outcome.is_err());
    let next = cache
        .status()
        .next_attempt_at()
        .expect("there is a cool-down");
    let pause = next.duration_since(clock.wall()).expect("it lies ahead");
    let least = delay.min(Duration::from_secs(300));
    assert!(
        least <= pause && pause <= Duration::from_secs(600),
        "{delay:?}: {pause:?}"
    );
}

struct Failing(ProviderError);

impl CredentialProvider for Failing {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        Err(self.0.clone())
    }
}
