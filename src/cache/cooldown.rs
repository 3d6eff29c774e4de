//! How long none is fetched after a failure. Pure: no clock, no lock.

use std::time::Duration;

use crate::error::ProviderError;

/// No server is believed that asks for a longer pause.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// The pause after the `failures`th failure in a row, of which `error` is the last.
///
/// `holding` says whether a valid credential is held meanwhile. Half of the pause is fixed;
/// `jitter`, from 0 up to 1, tells the other half.
pub(crate) fn pause(error: &ProviderError, failures: u32, holding: bool, jitter: f64) -> Duration {
    let (first, longest) = match (error.is_permanent(), holding) {
        (false, _) => (1, 60),
        (true, false) => (10, 30),
        (true, true) => (10, 600),
    };
    let doublings = failures.saturating_sub(1).min(16);
    let whole = Duration::from_secs((first << doublings).min(longest));
    let pause = whole.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0));
    pause.max(error.retry_after().unwrap_or_default().min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// The pauses after 1, 2, 3 … failures in seconds, at full jitter.
    fn pauses(error: &ProviderError, holding: bool) -> Vec<u64> {
        (1..=9)
            .map(|failures| pause(error, failures, holding, 1.0).as_secs())
            .collect()
    }

    #[test]
    fn pauses_double_up_to_their_cap() {
        let transient = ProviderError::transient("x");
        assert_eq!(pauses(&transient, false), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pauses(&transient, true), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        let absent = ProviderError::not_configured("x");
        assert_eq!(pauses(&absent, false), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        let permanent = ProviderError::permanent("x");
        assert_eq!(
            pauses(&permanent, false),
            [10, 20, 30, 30, 30, 30, 30, 30, 30]
        );
        assert_eq!(
            pauses(&permanent, true),
            [10, 20, 40, 80, 160, 320, 600, 600, 600]
        );
        assert_eq!(pause(&permanent, u32::MAX, true, 1.0), s(600));
    }

    #[test]
    fn half_a_pause_is_fixed_and_half_is_jitter() {
        let error = ProviderError::transient("x");
        for (jitter, expected) in [
            (0.0, s(2)),
            (0.5, s(3)),
            (1.0, s(4)),
            (-1.0, s(2)),
            (9.0, s(4)),
        ] {
            assert_eq!(pause(&error, 3, false, jitter), expected, "{jitter}");
        }
    }

    #[test]
    fn a_delay_asked_for_is_honoured_up_to_five_minutes() {
        for (asked, expected) in [
            (s(0), s(1)),
            (s(7), s(7)),
            (s(300), s(300)),
            (s(301), s(300)),
            (Duration::MAX, s(300)),
        ] {
            let error = ProviderError::transient("x").with_retry_after(asked);
            assert_eq!(pause(&error, 1, false, 1.0), expected, "{asked:?}");
        }
        assert_eq!(
            pause(
                &ProviderError::transient("x").with_retry_after(s(7)),
                6,
                false,
                1.0
            ),
            s(32)
        );
    }
}
