//! The wall clock, the monotonic clock, and a coarse reading of the wall clock for the warm path.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The two clocks that measure the age of a credential.
///
/// A cache reads both, since each can be wrong alone: the monotonic clock stops while the machine
/// sleeps, and a correction moves the wall clock. The default is the clocks of the system. Timers
/// and the fetch timeout use real time, whatever this trait returns.
///
/// # Examples
///
/// A wall clock that is corrected by the offset of a time server:
///
/// ```
/// use std::time::{Duration, Instant, SystemTime};
/// use yandex_cloud_auth::{Clock, Credential, CredentialCache};
///
/// struct Corrected(Duration);
///
/// impl Clock for Corrected {
///     fn wall(&self) -> SystemTime {
///         SystemTime::now() + self.0
///     }
///
///     fn monotonic(&self) -> Instant {
///         Instant::now()
///     }
/// }
///
/// let cache = CredentialCache::builder(Credential::iam_token("t1.abc")?)
///     .clock(Corrected(Duration::from_secs(90)))
///     .build();
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The time of day. It may go forward and back.
    fn wall(&self) -> SystemTime;

    /// A time that never goes back. It may stop while the machine sleeps.
    fn monotonic(&self) -> Instant;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn wall(&self) -> SystemTime {
        (**self).wall()
    }

    fn monotonic(&self) -> Instant {
        (**self).monotonic()
    }
}

/// The clock that a cache reads. The system's is not boxed, so that the warm path calls it
/// directly.
pub(crate) enum TimeSource {
    System,
    User(Box<dyn Clock>),
}

impl TimeSource {
    /// Reads both clocks.
    pub(crate) fn now(&self) -> Reading {
        match self {
            Self::System => Reading {
                wall: SystemTime::now(),
                monotonic: Instant::now(),
            },
            Self::User(clock) => Reading {
                wall: clock.wall(),
                monotonic: clock.monotonic(),
            },
        }
    }

    /// The wall clock in nanoseconds since 1970, at most a few milliseconds late. Cheap enough for
    /// every request.
    #[inline]
    pub(crate) fn coarse(&self) -> u64 {
        match self {
            Self::System => coarse_system_nanos(),
            Self::User(clock) => unix_nanos(clock.wall()),
        }
    }
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) wall: SystemTime,
    pub(crate) monotonic: Instant,
}

impl Reading {
    /// The time since `earlier` by the clock that moved further. Zero if both went back.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        wall.max(self.monotonic.saturating_duration_since(earlier.monotonic))
    }
}

/// Nanoseconds since 1970. A time before 1970 or after the year 2554 is `u64::MAX`: no time of the
/// next lookup is later, so a request with such a clock looks up the cache each time.
pub(crate) fn unix_nanos(time: SystemTime) -> u64 {
    let nanos = time
        .duration_since(UNIX_EPOCH)
        .map(|since| since.as_nanos());
    nanos
        .ok()
        .and_then(|nanos| u64::try_from(nanos).ok())
        .unwrap_or(u64::MAX)
}

/// Reads the kernel's coarse clock, at a quarter of the cost of the standard library's. It moves in
/// steps of 4 ms, which the expiry allowance covers.
#[cfg(all(feature = "tokio", target_os = "linux"))]
#[inline]
fn coarse_system_nanos() -> u64 {
    use nix::time::{ClockId, clock_gettime};
    match clock_gettime(ClockId::CLOCK_REALTIME_COARSE) {
        #[expect(
            clippy::cast_sign_loss,
            reason = "a time before 1970 wraps to the far future, which counts as expired"
        )]
        Ok(time) => (time.tv_sec() as u64)
            .wrapping_mul(1_000_000_000)
            .wrapping_add(time.tv_nsec() as u64),
        Err(_) => unix_nanos(SystemTime::now()),
    }
}

#[cfg(not(all(feature = "tokio", target_os = "linux")))]
#[inline]
fn coarse_system_nanos() -> u64 {
    unix_nanos(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarse_clock_follows_wall_clock() {
        let before = unix_nanos(SystemTime::now());
        let coarse = TimeSource::System.coarse();
        assert!(
            coarse.abs_diff(before) < 1_000_000_000,
            "off by {} ns",
            coarse.abs_diff(before)
        );
    }

    #[test]
    fn elapsed_time_is_that_of_faster_clock() {
        let start = TimeSource::System.now();
        let s = Duration::from_secs;
        let cases = [
            (start.wall + s(5), start.monotonic + s(3), s(5)),
            (start.wall + s(3), start.monotonic + s(5), s(5)),
            (start.wall - s(3600), start.monotonic + s(5), s(5)),
            (UNIX_EPOCH - s(1), start.monotonic, s(0)),
        ];
        for (wall, monotonic, expected) in cases {
            assert_eq!(Reading { wall, monotonic }.since(&start), expected);
        }
    }

    #[test]
    fn nanoseconds_saturate_outside_range() {
        assert_eq!(unix_nanos(UNIX_EPOCH - Duration::from_secs(1)), u64::MAX);
        assert_eq!(unix_nanos(UNIX_EPOCH + Duration::from_nanos(7)), 7);
        assert_eq!(
            unix_nanos(UNIX_EPOCH + Duration::from_secs(1 << 40)),
            u64::MAX
        );
    }
}
