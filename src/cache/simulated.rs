//! When a cache fetches, computed without a cache.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use super::entry::Entry;
use super::schedule::{Freshness, Jitter, Schedule};
use super::settings::Settings;
use super::shared::Shared;
use crate::clock::Reading;
use crate::credential::Credential;
use crate::error::ProviderError;

/// Computes when a [`CredentialCache`](crate::CredentialCache) fetches, on a virtual clock.
///
/// It uses the schedule and the cool-down of the cache, with the cache's default settings and its
/// timer running, and fetches nothing itself. A simulation of many processes costs little: it calls
/// [`next_fetch`](Self::next_fetch), decides what the fetch returns, and reports that.
///
/// All times are since the start of the simulation. `random` returns numbers from 0 up to 1, the
/// jitter; a real cache draws its own.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use yandex_cloud_auth::{Credential, ProviderError, testing::SimulatedCache};
///
/// let hour = Duration::from_secs(3600);
/// let token = Credential::iam_token("t1.abc")?.with_lifetime(12 * hour);
/// let mut cache = SimulatedCache::new();
/// assert_eq!(cache.next_fetch(), Some(Duration::ZERO));
///
/// cache.fetched(Duration::ZERO, &token, || 0.0);
/// assert_eq!(cache.next_fetch(), Some(hour));
///
/// // The cached token is used for hours yet: the cool-down is 5 to 10 minutes.
/// cache.failed(hour, &ProviderError::transient("IAM is down"), || 0.0);
/// assert_eq!(cache.next_fetch(), Some(hour + Duration::from_secs(300)));
/// assert!(cache.is_usable(11 * hour));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
pub struct SimulatedCache {
    start: Reading,
    /// When the last fetch ended.
    last: Duration,
    entry: Option<Entry>,
    shared: Shared,
}

impl SimulatedCache {
    /// A cache that has fetched nothing.
    pub fn new() -> Self {
        Self {
            start: Reading {
                wall: SystemTime::UNIX_EPOCH,
                monotonic: Instant::now(),
            },
            last: Duration::ZERO,
            entry: None,
            shared: Shared::default(),
        }
    }

    /// When the next fetch starts. `None` if none ever does.
    pub fn next_fetch(&self) -> Option<Duration> {
        let at = self.at(self.last);
        let Some(entry) = self.entry.as_ref().filter(|entry| entry.is_usable(&at)) else {
            return Some(self.last + self.shared.pause_without_entry(&at));
        };
        let next = self.last + entry.time_to_next_lookup(&at, self.shared.due_pause(&at))?;
        let at = self.at(next);
        if entry.is_usable(&at) {
            return Some(next);
        }
        Some(next + self.shared.pause_without_entry(&at))
    }

    /// Reports that a fetch returned this credential at this time.
    ///
    /// An [expiry](Credential::with_expiry) that is not a lifetime counts from 1970, the start of
    /// the simulation.
    pub fn fetched(
        &mut self,
        at: Duration,
        credential: &Credential,
        mut random: impl FnMut() -> f64,
    ) {
        let now = self.begin(at);
        let is_on_schedule = self.shared.is_on_schedule(self.entry.as_ref(), &now);
        let jitter = Jitter::draw(&mut random, is_on_schedule);
        let max_age = Settings::DEFAULT.max_age;
        match Schedule::new(credential, now.wall, max_age, jitter) {
            Some(schedule) => {
                self.shared.record_success();
                self.entry = Some(Entry {
                    credential: credential.clone(),
                    generation: 0,
                    fetched_at: now,
                    schedule,
                });
            }
            None => self.failed(at, &ProviderError::transient("expired on arrival"), random),
        }
    }

    /// Reports that a fetch failed at this time.
    pub fn failed(&mut self, at: Duration, error: &ProviderError, mut random: impl FnMut() -> f64) {
        let now = self.begin(at);
        self.shared
            .record_failure(error.clone(), now, self.entry.as_ref(), random());
    }

    /// Whether a request at this time has a credential, if nothing is fetched until then.
    pub fn is_usable(&self, at: Duration) -> bool {
        let now = self.at(at);
        self.entry
            .as_ref()
            .is_some_and(|entry| entry.is_usable(&now))
    }

    fn begin(&mut self, at: Duration) -> Reading {
        self.last = at;
        let now = self.at(at);
        let entry = self.entry.as_ref();
        if entry.is_some_and(|entry| entry.freshness(&now) == Freshness::Due) {
            self.shared.record_due(now);
        }
        now
    }

    fn at(&self, since_start: Duration) -> Reading {
        Reading {
            wall: self.start.wall + since_start,
            monotonic: self.start.monotonic + since_start,
        }
    }
}

impl Default for SimulatedCache {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SimulatedCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedCache")
            .field("next_fetch", &self.next_fetch())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::ready;
    use std::ops::Range;
    use std::sync::{Arc, Mutex};

    use tokio::time::{Instant as TokioInstant, sleep};

    use super::*;
    use crate::cache::CredentialCache;
    use crate::cache::state::State;
    use crate::clock::{Clock, TimeSource};

    const MINUTE: Duration = Duration::from_secs(60);

    thread_local! {
        static SEED: Cell<u64> = const { Cell::new(0) };
    }

    /// A sequence that starts anew where `SEED` is set.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
    fn random() -> f64 {
        let next = SEED
            .get()
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        SEED.set(next);
        (next >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Tokio's clock, which the test pauses.
    struct PausedClock {
        start: TokioInstant,
        monotonic: Instant,
    }

    impl Clock for PausedClock {
        fn wall(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + self.start.elapsed()
        }

        fn monotonic(&self) -> Instant {
            self.monotonic + self.start.elapsed()
        }
    }

    /// A source of tokens of one lifetime that fails during outages.
    #[derive(Clone)]
    struct Source {
        lifetime: Duration,
        outages: Vec<Range<Duration>>,
    }

    impl Source {
        fn result(&self, at: Duration) -> Result<Credential, ProviderError> {
            if self.outages.iter().any(|outage| outage.contains(&at)) {
                return Err(ProviderError::transient("down"));
            }
            Ok(Credential::iam_token("t1.a")
                .unwrap()
                .with_lifetime(self.lifetime))
        }

        async fn real_fetches(self, time: Duration) -> Vec<Duration> {
            let start = TokioInstant::now();
            let fetches = Arc::new(Mutex::new(Vec::new()));
            let seen = Arc::clone(&fetches);
            let provider = move || {
                seen.lock().unwrap().push(start.elapsed());
                ready(self.result(start.elapsed()))
            };
            let clock = PausedClock {
                start,
                monotonic: Instant::now(),
            };
            let time_source = TimeSource::User(Box::new(clock));
            let provider = Arc::new(provider);
            let state = State::new(provider, Settings::DEFAULT, time_source, random);
            let cache = CredentialCache { state };
            let _ = cache.get().await;
            sleep(time).await;
            fetches.lock().unwrap().clone()
        }

        fn simulated_fetches(&self, time: Duration) -> Vec<Duration> {
            let mut cache = SimulatedCache::new();
            let mut fetches = Vec::new();
            while let Some(at) = cache.next_fetch().filter(|at| *at < time) {
                fetches.push(at);
                match self.result(at) {
                    Ok(credential) => cache.fetched(at, &credential, random),
                    Err(error) => cache.failed(at, &error, random),
                }
            }
            fetches
        }
    }

    #[tokio::test(start_paused = true)]
    async fn fetches_are_those_of_a_cache() {
        let outages = vec![
            Duration::ZERO..MINUTE,
            200 * MINUTE..210 * MINUTE,
            300 * MINUTE..400 * MINUTE,
        ];
        for (lifetime, time) in [
            (12 * 60 * MINUTE, 500 * MINUTE),
            (60 * MINUTE, 500 * MINUTE),
            (MINUTE, 250 * MINUTE),
            (Duration::from_secs(1), 2 * MINUTE),
        ] {
            for seed in 0..20 {
                let source = Source {
                    lifetime,
                    outages: outages.clone(),
                };
                SEED.set(seed);
                let simulated = source.simulated_fetches(time);
                SEED.set(seed);
                let real = source.real_fetches(time).await;
                // The last one may be too late.
                assert!(
                    real.len() == simulated.len() || real.len() + 1 == simulated.len(),
                    "{lifetime:?} {seed}: {} and {}",
                    real.len(),
                    simulated.len()
                );
                for (index, (real, simulated)) in (1u32..).zip(real.iter().zip(&simulated)) {
                    // Each of tokio's timers may be late by a millisecond.
                    let late = *real - *simulated;
                    assert!(
                        late <= Duration::from_millis(2) * index,
                        "{lifetime:?} {seed}: fetch {index} at {real:?}, simulated {simulated:?}"
                    );
                }
            }
        }
    }
}
