//! When a cached credential is due for renewal and when it has expired. Pure: no clock, no lock.

use std::time::{Duration, SystemTime};

use crate::credential::{Credential, Expiry};

/// No longer lifetime is trusted. Keeps all arithmetic far from its limits.
const MAX_LIFETIME: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A credential with less time to live counts as expired on arrival: a source that issues such
/// would be asked again and again.
const MIN_LIFETIME: Duration = Duration::from_secs(1);

/// A credential is not used in the last seconds of its life: the request takes time, and clocks
/// differ.
const MAX_ALLOWANCE: Duration = Duration::from_secs(10);

/// A credential fetched so long after the last one was due was not fetched on schedule.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// How an entry of some age is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// It is used.
    Fresh,
    /// It is used while one fetch runs.
    Due,
    /// Requests wait for a new one.
    Expired,
}

/// The ages at which an entry is due and expired, fixed when it enters the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// `None` where there is neither an expiry nor a max age.
    pub(crate) due: Option<Duration>,
    /// `None` where no end is known.
    pub(crate) expired: Option<Duration>,
}

/// By how much an entry is due earlier, each part drawn at random from 0 up to 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jitter {
    /// Takes up to a tenth off.
    pub(crate) always: f64,
    /// Takes up to nine tenths off what is left, where the entry was not fetched on schedule.
    pub(crate) off_schedule: Option<f64>,
}

impl Jitter {
    pub(crate) fn draw(mut random: impl FnMut() -> f64, is_on_schedule: bool) -> Self {
        Self {
            always: random(),
            off_schedule: (!is_on_schedule).then(random),
        }
    }

    fn scale(self, due: Duration) -> Duration {
        let off_schedule = self.off_schedule.unwrap_or_default();
        due.mul_f64(1.0 - 0.1 * self.always.clamp(0.0, 1.0))
            .mul_f64(1.0 - 0.9 * off_schedule.clamp(0.0, 1.0))
    }
}

impl Schedule {
    /// The schedule of a credential that enters the cache at `now`. `None` if it is expired on
    /// arrival.
    pub(crate) fn new(
        credential: &Credential,
        now: SystemTime,
        max_age: Duration,
        jitter: Jitter,
    ) -> Option<Self> {
        let lifetime = lifetime(credential.expiry(), now);
        if lifetime.is_some_and(|lifetime| lifetime < MIN_LIFETIME) {
            return None;
        }
        let by_lifetime = lifetime.map(|lifetime| lifetime.mul_f64(0.8));
        let due = match (by_lifetime, credential.max_age()) {
            (Some(by_lifetime), Some(own)) => Some(by_lifetime.min(own).min(max_age)),
            (Some(earliest), None) | (None, Some(earliest)) => Some(earliest.min(max_age)),
            (None, None) => None,
        };
        Some(Self {
            due: due.map(|due| jitter.scale(due.min(MAX_LIFETIME))),
            expired: lifetime.map(usable_age),
        })
    }

    /// The schedule of a static credential: it is never fetched again, so it is used to its very
    /// end.
    pub(crate) fn of_static(credential: &Credential, now: SystemTime) -> Self {
        Self {
            due: None,
            expired: lifetime(credential.expiry(), now),
        }
    }

    pub(crate) fn freshness(&self, age: Duration) -> Freshness {
        if self.expired.is_some_and(|expired| age >= expired) {
            Freshness::Expired
        } else if self.due.is_some_and(|due| age >= due) {
            Freshness::Due
        } else {
            Freshness::Fresh
        }
    }

    /// Whether a fetch that replaces an entry of this age is on schedule: not after it expired, and
    /// at most a minute after it was due.
    pub(crate) fn is_on_time(&self, age: Duration) -> bool {
        let late = self.due.map(|due| age.saturating_sub(due));
        self.freshness(age) != Freshness::Expired && late.is_none_or(|late| late <= MAX_DELAY)
    }

    /// The time until something is to be done about an entry of this age: it expires, or it is due
    /// and fetches are not paused any more, as they are for `pause`. `None` where that time never comes.
    pub(crate) fn time_to_next_lookup(&self, age: Duration, pause: Duration) -> Option<Duration> {
        let expires_in = self.expired.map(|expired| expired.saturating_sub(age));
        let fetch_in = self.due.map(|due| due.saturating_sub(age).max(pause));
        match (expires_in, fetch_in) {
            (Some(expires_in), Some(fetch_in)) => Some(expires_in.min(fetch_in)),
            (either, None) | (None, either) => either,
        }
    }
}

/// The age up to which a credential of this lifetime is used.
fn usable_age(lifetime: Duration) -> Duration {
    lifetime - MAX_ALLOWANCE.min(lifetime / 20)
}

/// The time a credential has from `now` on. `None` where it never ends.
fn lifetime(expiry: Expiry, now: SystemTime) -> Option<Duration> {
    let lifetime = match expiry {
        Expiry::At(at) => at.duration_since(now).unwrap_or_default(),
        Expiry::In(lifetime) => lifetime,
        Expiry::Never => return None,
    };
    Some(lifetime.min(MAX_LIFETIME))
}

/// When a credential that enters the cache at `now` ends by the wall clock.
pub(crate) fn expires_at(expiry: Expiry, now: SystemTime) -> Option<SystemTime> {
    match expiry {
        Expiry::At(at) => Some(at),
        Expiry::In(lifetime) => now.checked_add(lifetime.min(MAX_LIFETIME)),
        Expiry::Never => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATEST: Jitter = Jitter {
        always: 0.0,
        off_schedule: None,
    };

    const fn s(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + s(1_800_000_000)
    }

    fn token() -> Credential {
        Credential::iam_token("t1.a.b").unwrap()
    }

    fn at_latest(credential: &Credential) -> Option<Schedule> {
        Schedule::new(credential, now(), s(3600), LATEST)
    }

    #[test]
    fn due_is_earliest_of_all_limits() {
        let ms = Duration::from_millis;
        let cases = [
            // lifetime, own max age, due, expired
            (Some(s(43_200)), None, Some(s(3600)), Some(s(43_190))),
            (Some(s(1000)), None, Some(s(800)), Some(s(990))),
            (Some(s(100)), None, Some(s(80)), Some(s(95))),
            (Some(s(1)), None, Some(ms(800)), Some(ms(950))),
            (Some(s(43_200)), Some(s(300)), Some(s(300)), Some(s(43_190))),
            (Some(s(100)), Some(s(300)), Some(s(80)), Some(s(95))),
            (
                Some(s(43_200)),
                Some(s(7200)),
                Some(s(3600)),
                Some(s(43_190)),
            ),
            (
                Some(Duration::MAX),
                None,
                Some(s(3600)),
                Some(s(3_153_600_000 - 10)),
            ),
            (None, Some(s(60)), Some(s(60)), None),
            (None, None, None, None),
        ];
        for (lifetime, max_age, due, expired) in cases {
            let credential = lifetime.map_or_else(token, |l| token().with_lifetime(l));
            let credential = match max_age {
                Some(max_age) => credential.with_max_age(max_age),
                None => credential,
            };
            let expected = Some(Schedule { due, expired });
            assert_eq!(at_latest(&credential), expected, "{lifetime:?} {max_age:?}");
        }
    }

    #[test]
    fn every_lifetime_is_due_before_expiry() {
        let ten_years = 315_360_000;
        let mut lifetime = 1;
        while lifetime <= ten_years {
            for seconds in lifetime..lifetime + 3 {
                let whole = s(seconds);
                let schedule = at_latest(&token().with_lifetime(whole)).unwrap();
                let (due, expired) = (schedule.due.unwrap(), schedule.expired.unwrap());
                assert!(due < expired && expired < whole, "{seconds} s");
                assert!(whole - expired <= s(10) && expired >= whole * 19 / 20);
                assert!(due <= s(3600), "{seconds} s");
            }
            lifetime += 1 + lifetime / 7;
        }
    }

    #[test]
    fn less_than_one_second_is_expired_on_arrival() {
        for lifetime in [Duration::ZERO, Duration::from_millis(999)] {
            assert_eq!(at_latest(&token().with_lifetime(lifetime)), None);
            assert_eq!(at_latest(&token().with_expiry(now() + lifetime)), None);
        }
        assert_eq!(at_latest(&token().with_expiry(now() - s(1))), None);
        assert!(at_latest(&token().with_lifetime(s(1))).is_some());
    }

    #[test]
    fn expiry_counts_from_arrival() {
        assert_eq!(
            at_latest(&token().with_expiry(now() + s(1000))),
            at_latest(&token().with_lifetime(s(1000)))
        );
    }

    #[test]
    fn jitter_takes_a_tenth_off_due_only() {
        let token = token().with_lifetime(s(1000));
        for (always, due) in [(0.0, 800), (0.5, 760), (1.0, 720), (-3.0, 800), (7.0, 720)] {
            let jitter = Jitter { always, ..LATEST };
            let schedule = Schedule::new(&token, now(), s(3600), jitter).unwrap();
            assert_eq!(schedule.due, Some(s(due)), "{always}");
            assert_eq!(schedule.expired, Some(s(990)), "{always}");
        }
    }

    #[test]
    fn off_schedule_entry_is_due_earlier() {
        let token = token().with_lifetime(s(1000));
        for (off_schedule, due) in [(0.0, 800), (0.5, 440), (1.0, 80), (-1.0, 800), (2.0, 80)] {
            let jitter = Jitter {
                always: 0.0,
                off_schedule: Some(off_schedule),
            };
            let schedule = Schedule::new(&token, now(), s(3600), jitter).unwrap();
            assert_eq!(schedule.due, Some(s(due)), "{off_schedule}");
            assert_eq!(schedule.expired, Some(s(990)), "{off_schedule}");
        }
    }

    #[test]
    fn freshness_changes_exactly_at_bounds() {
        let schedule = Schedule {
            due: Some(s(80)),
            expired: Some(s(95)),
        };
        let ns = Duration::from_nanos(1);
        for (age, freshness) in [
            (s(0), Freshness::Fresh),
            (s(80) - ns, Freshness::Fresh),
            (s(80), Freshness::Due),
            (s(95) - ns, Freshness::Due),
            (s(95), Freshness::Expired),
            (Duration::MAX, Freshness::Expired),
        ] {
            assert_eq!(schedule.freshness(age), freshness, "{age:?}");
        }
        let endless = Schedule {
            due: None,
            expired: None,
        };
        assert_eq!(endless.freshness(Duration::MAX), Freshness::Fresh);
    }

    #[test]
    fn fetch_is_on_time_within_minute_of_due() {
        let schedule = Schedule {
            due: Some(s(800)),
            expired: Some(s(990)),
        };
        for (age, on_time) in [
            (0, true),
            (800, true),
            (860, true),
            (861, false),
            (990, false),
        ] {
            assert_eq!(schedule.is_on_time(s(age)), on_time, "{age}");
        }
        let short = Schedule {
            due: Some(s(8)),
            expired: Some(s(9)),
        };
        assert!(!short.is_on_time(s(9)), "expired, though not a minute late");
    }

    #[test]
    fn next_lookup_is_at_expiry_or_next_fetch() {
        let schedule = |due, expired| Schedule {
            due: Option::map(due, s),
            expired: Option::map(expired, s),
        };
        for (due, expired, age, pause, expected) in [
            (Some(80), Some(95), 0, 0, Some(80)),
            (Some(80), Some(95), 79, 3, Some(3)),
            (Some(80), Some(95), 90, 0, Some(0)),
            (Some(80), Some(95), 90, 60, Some(5)),
            (Some(80), Some(95), 100, 60, Some(0)),
            (None, Some(95), 90, 60, Some(5)),
            (Some(80), None, 90, 60, Some(60)),
            (None, None, 90, 60, None),
        ] {
            assert_eq!(
                schedule(due, expired).time_to_next_lookup(s(age), s(pause)),
                Option::map(expected, s),
                "{due:?} {expired:?} {age} {pause}"
            );
        }
    }

    #[test]
    fn end_by_wall_clock_saturates() {
        assert_eq!(expires_at(Expiry::In(s(5)), now()), Some(now() + s(5)));
        assert_eq!(
            expires_at(Expiry::In(Duration::MAX), now()),
            Some(now() + s(3_153_600_000))
        );
        assert_eq!(expires_at(Expiry::Never, now()), None);
    }
}
