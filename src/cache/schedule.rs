//! When a held credential is due for renewal and when it has expired. Pure: no clock, no lock.

use std::time::{Duration, SystemTime};

use crate::credential::{Credential, Expiry};

/// No lifetime is believed beyond this. Keeps all arithmetic far from its limits.
const MAX_LIFETIME: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A credential is not used in the last seconds of its life: it has to arrive, and clocks differ.
const MAX_ALLOWANCE: Duration = Duration::from_secs(10);

/// How the age of what is held is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Use it.
    Fresh,
    /// Use it, and have one fetch running.
    Due,
    /// Wait for a new one.
    Expired,
}

/// The ages at which a credential is due and expired, current_generation when it lands in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// Never, where there is neither an expiry nor a max age.
    pub(crate) due: Option<Duration>,
    /// Never, where no end is known.
    pub(crate) expired: Option<Duration>,
}

impl Schedule {
    /// The schedule of a credential that landed at `now`. `jitter` is from 0 (due at the latest) up
    /// to 1 (a tenth earlier).
    pub(crate) fn new(
        credential: &Credential,
        now: SystemTime,
        max_age: Duration,
        jitter: f64,
    ) -> Self {
        let lifetime = lifetime(credential.expiry(), now);
        let by_lifetime = lifetime.map(|lifetime| lifetime.mul_f64(0.8));
        let due = match (by_lifetime, credential.max_age()) {
            (Some(by_lifetime), Some(own)) => Some(by_lifetime.min(own).min(max_age)),
            (Some(earliest), None) | (None, Some(earliest)) => Some(earliest.min(max_age)),
            (None, None) => None,
        };
        Self {
            due: due.map(|due| {
                due.min(MAX_LIFETIME)
                    .mul_f64(1.0 - 0.1 * jitter.clamp(0.0, 1.0))
            }),
            expired: lifetime.map(|lifetime| lifetime - MAX_ALLOWANCE.min(lifetime / 20)),
        }
    }

    /// How a credential of this age is to be treated.
    pub(crate) fn freshness(&self, age: Duration) -> Freshness {
        if self.expired.is_some_and(|expired| age >= expired) {
            Freshness::Expired
        } else if self.due.is_some_and(|due| age >= due) {
            Freshness::Due
        } else {
            Freshness::Fresh
        }
    }
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

/// When a credential that landed at `now` ends by the wall clock.
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

    const fn s(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + s(1_800_000_000)
    }

    fn token() -> Credential {
        Credential::iam_token("t1.a.b").unwrap()
    }

    fn at_latest(credential: &Credential) -> Schedule {
        Schedule::new(credential, now(), s(3600), 0.0)
    }

    #[test]
    fn due_is_the_earliest_of_lifetime_hour_and_max_age() {
        let ms = Duration::from_millis;
        let cases = [
            // lifetime, own max age, due, expired
            (Some(s(43_200)), None, Some(s(3600)), Some(s(43_190))),
            (Some(s(1000)), None, Some(s(800)), Some(s(990))),
            (Some(s(100)), None, Some(s(80)), Some(s(95))),
            (Some(s(1)), None, Some(ms(800)), Some(ms(950))),
            (Some(s(0)), None, Some(s(0)), Some(s(0))),
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
                Some(MAX_LIFETIME - s(10)),
            ),
            (None, Some(s(60)), Some(s(60)), None),
            (None, None, None, None),
        ];
        for (lifetime, max_age, due, expired) in cases {
            let credential =
                lifetime.map_or_else(token, |lifetime| token().with_lifetime(lifetime));
            let credential = max_age.map_or_else(
                || credential.clone(),
                |max_age| credential.clone().with_max_age(max_age),
            );
            assert_eq!(
                at_latest(&credential),
                Schedule { due, expired },
                "{lifetime:?} {max_age:?}"
            );
        }
    }

    #[test]
    fn an_expiry_is_a_lifetime_counted_from_landing() {
        assert_eq!(
            at_latest(&token().with_expiry(now() + s(1000))),
            at_latest(&token().with_lifetime(s(1000)))
        );
        assert_eq!(
            at_latest(&token().with_expiry(now() - s(1))),
            at_latest(&token().with_lifetime(s(0)))
        );
        assert_eq!(
            at_latest(&token().with_expiry(SystemTime::UNIX_EPOCH)).expired,
            Some(s(0))
        );
    }

    #[test]
    fn jitter_takes_up_to_a_tenth_off_due_and_nothing_off_expired() {
        let token = token().with_lifetime(s(1000));
        for (jitter, due) in [
            (0.0, s(800)),
            (0.5, s(760)),
            (1.0, s(720)),
            (-3.0, s(800)),
            (7.0, s(720)),
        ] {
            let schedule = Schedule::new(&token, now(), s(3600), jitter);
            assert_eq!(
                (schedule.due, schedule.expired),
                (Some(due), Some(s(990))),
                "{jitter}"
            );
        }
    }

    #[test]
    fn freshness_changes_exactly_at_its_bounds() {
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
        assert_eq!(
            Schedule {
                due: None,
                expired: None
            }
            .freshness(Duration::MAX),
            Freshness::Fresh
        );
    }

    #[test]
    fn the_end_by_the_wall_clock_saturates() {
        assert_eq!(expires_at(Expiry::In(s(5)), now()), Some(now() + s(5)));
        assert_eq!(
            expires_at(Expiry::In(Duration::MAX), now()),
            Some(now() + MAX_LIFETIME)
        );
        assert_eq!(expires_at(Expiry::Never, now()), None);
    }
}
