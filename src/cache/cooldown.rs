//! How long no fetch is tried after a failure, and nothing is dropped after a drop. Pure: no clock,
//! no lock.

use std::time::Duration;

use crate::error::ProviderError;

/// No longer delay is honoured, whatever a server asks for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// The longest cool-down while a usable credential is cached, and the longest spacing of drops.
const MAX_PAUSE: Duration = Duration::from_secs(600);

/// The cool-down after the last of `failures` failures in a row, which was `error`.
///
/// It is 1 s, doubled with each failure up to 2 min; after a permanent error 10 s, doubled up to
/// 2 min, or up to 10 min while a usable credential is cached. `time_left` is how long that one was
/// usable at the failure: the cool-down is at least half of it, and at most 10 min for that reason,
/// so that an outage draws a few attempts per credential, however long it lasts.
///
/// Half of the cool-down is fixed and half of it is scaled by `jitter`, from 0 to 1. A delay that
/// the server asked for is honoured up to 5 min, times 1 to 2 by `jitter`: a fleet that was given the
/// same second would otherwise return in that second.
pub(crate) fn pause(
    error: &ProviderError,
    failures: u32,
    time_left: Option<Duration>,
    jitter: f64,
) -> Duration {
    let (first, longest) = match (error.is_permanent(), time_left) {
        (false, _) => (1, 120),
        (true, None) => (10, 120),
        (true, Some(_)) => (10, 600),
    };
    let by_failures = doubled(
        Duration::from_secs(first),
        failures,
        Duration::from_secs(longest),
    );
    let by_time_left = time_left.map_or(Duration::ZERO, |left| (left / 2).min(MAX_PAUSE));
    let jitter = jitter.clamp(0.0, 1.0);
    let pause = by_failures.max(by_time_left).mul_f64(0.5 + 0.5 * jitter);
    let retry_after = error.retry_after().unwrap_or_default().min(MAX_RETRY_AFTER);
    pause.max(retry_after.mul_f64(1.0 + jitter))
}

/// The least time between the last of `drops` drops in a row and the next: 30 s, doubled with each
/// up to 10 min. A principal that is always rejected must not flood the token endpoint.
pub(crate) fn drop_spacing(drops: u32) -> Duration {
    doubled(Duration::from_secs(30), drops, MAX_PAUSE)
}

/// `first` for a count of 1, doubled with each further one up to `longest`.
fn doubled(first: Duration, count: u32, longest: Duration) -> Duration {
    let doublings = count.saturating_sub(1).min(16);
    (first * (1 << doublings)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// The pauses after 1, 2, 3 … failures in seconds, at full jitter.
    fn pauses(error: &ProviderError, time_left: Option<Duration>) -> Vec<u64> {
        (1..=9)
            .map(|failures| pause(error, failures, time_left, 1.0).as_secs())
            .collect()
    }

    #[test]
    fn pause_doubles_to_two_minutes_without_credential() {
        for error in [
            ProviderError::transient("x"),
            ProviderError::not_configured("x"),
        ] {
            assert_eq!(pauses(&error, None), [1, 2, 4, 8, 16, 32, 64, 120, 120]);
        }
        let permanent = ProviderError::permanent("x");
        assert_eq!(
            pauses(&permanent, None),
            [10, 20, 40, 80, 120, 120, 120, 120, 120]
        );
        assert_eq!(pause(&permanent, u32::MAX, None, 1.0), s(120));
    }

    #[test]
    fn pause_is_half_of_time_left_with_credential() {
        let transient = ProviderError::transient("x");
        for (left, expected) in [
            (s(0), s(1)),
            (s(2), s(1)),
            (s(60), s(30)),
            (s(720), s(360)),
            (s(1200), s(600)),
            (s(12 * 3600), s(600)),
            (Duration::MAX, s(600)),
        ] {
            assert_eq!(pause(&transient, 1, Some(left), 1.0), expected, "{left:?}");
        }
        assert_eq!(
            pauses(&transient, Some(s(20))),
            [10, 10, 10, 10, 16, 32, 64, 120, 120]
        );
        let permanent = ProviderError::permanent("x");
        assert_eq!(
            pauses(&permanent, Some(s(0))),
            [10, 20, 40, 80, 160, 320, 600, 600, 600]
        );
    }

    #[test]
    fn half_of_pause_is_jitter() {
        let error = ProviderError::transient("x");
        for (jitter, expected) in [
            (0.0, s(2)),
            (0.5, s(3)),
            (1.0, s(4)),
            (-1.0, s(2)),
            (9.0, s(4)),
        ] {
            assert_eq!(pause(&error, 3, None, jitter), expected, "{jitter}");
        }
        assert_eq!(pause(&error, 1, Some(s(1000)), 0.0), s(250));
    }

    #[test]
    fn retry_after_is_spread_over_twice_itself() {
        for (asked, jitter, expected) in [
            (s(0), 1.0, s(1)),
            (s(120), 0.0, s(120)),
            (s(120), 0.5, s(180)),
            (s(120), 1.0, s(240)),
            (s(300), 1.0, s(600)),
            (s(301), 0.0, s(300)),
            (Duration::MAX, 0.0, s(300)),
        ] {
            let error = ProviderError::transient("x").with_retry_after(asked);
            assert_eq!(pause(&error, 1, None, jitter), expected, "{asked:?}");
        }
        let error = ProviderError::transient("x").with_retry_after(s(7));
        assert_eq!(pause(&error, 6, None, 1.0), s(32));
    }

    #[test]
    fn drop_spacing_doubles_to_ten_minutes() {
        let spacings = [0, 1, 2, 3, 4, 5, 6, 7, u32::MAX].map(|n| drop_spacing(n).as_secs());
        assert_eq!(spacings, [30, 30, 60, 120, 240, 480, 600, 600, 600]);
    }
}
