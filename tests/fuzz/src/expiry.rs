//! Expiries in responses of token endpoints, and what a cache makes of them.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt;
use http::Response;
use http_body_util::Full;
use serde_json::{Value, json};
use yandex_cloud_auth::{Clock, Credential, CredentialCache, CredentialProvider, ProviderError};

use super::clock::MovedClock;
use super::input::Input;
use super::network::{Provider, set_field};

/// A byte for the provider, one for how far the clock moves, a line for the `Date` of the response.
/// The rest is the value: JSON if it parses as such, and a string otherwise.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let provider = input.pick(&Provider::ALL);
    let moves = input.byte();
    let date = input.line();
    let Ok(text) = std::str::from_utf8(input.rest()) else {
        return;
    };
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let body = json!({
        "iamToken": "t1.a", "expiresAt": &value, "access_token": "t1.a", "expires_in": &value,
    });
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    set_field(&mut response, "date", date);
    let token = provider
        .fetch(response)
        .expect("the token is valid, whatever its expiry");

    if provider.is_iam() && date.is_empty() {
        check_reading(&value, &token);
    }
    check_cache(token, moves);
}

/// A time in the form that IAM documents is read exactly.
fn check_reading(value: &Value, token: &Credential) {
    let Some(expected) = value.as_str().and_then(utc_seconds) else {
        return;
    };
    assert_eq!(token.expires_at(), Some(expected), "{value}");
}

/// Reads `2025-03-23T03:06:38Z`, from 1970 on.
fn utc_seconds(text: &str) -> Option<SystemTime> {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        19 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    if text.len() != 20 || !text.bytes().enumerate().all(shape) {
        return None;
    }
    let number = |from, to| text[from..to].parse::<u64>().expect("these are digits");
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of = |year, month| match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let valid = (1970..9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !valid {
        return None;
    }
    let years = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 });
    let months = (1..month).map(|month| days_of(year, month));
    let days = years.chain(months).sum::<u64>() + day - 1;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Whatever the expiry, a cache hands the token out only before it.
fn check_cache(token: Credential, moves: u8) {
    let clock = MovedClock::new();
    let cache = CredentialCache::builder(Once(token))
        .clock(clock.clone())
        .build();
    let first = cache.get().now_or_never().expect("nothing here waits");
    assert_eq!(first.is_ok(), cache.status().is_ready());
    let by = Duration::from_secs(1 << (moves & 31));
    if moves & 32 == 0 {
        clock.advance_wall(by);
    }
    if moves & 64 == 0 {
        clock.advance_monotonic(by);
    }
    if moves & 128 != 0 {
        clock.rewind_wall(by / 2);
    }
    let status = cache.status();
    if let (Some(_), Some(end)) = (cache.peek(), status.expires_at()) {
        assert!(clock.wall() < end, "{status:?}");
    }
    assert_eq!(cache.peek().is_some(), status.is_ready());
}

/// Always the same token, which is not static.
struct Once(Credential);

impl CredentialProvider for Once {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        Ok(self.0.clone())
    }
}
