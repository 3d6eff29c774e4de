//! Many processes with one token endpoint must not fetch at the same time.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as StdInstant, SystemTime};

use tokio::time::{Instant, sleep, sleep_until};
use yandex_cloud_auth::{Clock, Credential, CredentialCache, ProviderError};

pub(crate) const PROCESSES: u32 = 200;
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// Tokio's clock, which the tests pause.
#[derive(Clone, Copy)]
struct VirtualClock {
    start: Instant,
    wall: SystemTime,
    monotonic: StdInstant,
}

impl Clock for VirtualClock {
    fn wall(&self) -> SystemTime {
        self.wall + self.start.elapsed()
    }

    fn monotonic(&self) -> StdInstant {
        self.monotonic + self.start.elapsed()
    }
}

/// A token endpoint that records the times of requests, and fails during its outage.
#[derive(Clone)]
pub(crate) struct Endpoint {
    start: Instant,
    lifetime: Duration,
    outage: (Duration, Duration),
    retry_after: Option<Duration>,
    requests: Arc<Mutex<Vec<Duration>>>,
}

impl Endpoint {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            start: Instant::now(),
            lifetime,
            outage: (Duration::MAX, Duration::MAX),
            retry_after: None,
            requests: Arc::default(),
        }
    }

    pub(crate) fn with_outage(self, down: Range<Duration>) -> Self {
        Self {
            outage: (down.start, down.end),
            ..self
        }
    }

    /// The time from which the times of requests count.
    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    pub(crate) fn requests(&self) -> Vec<Duration> {
        self.requests.lock().unwrap().clone()
    }

    fn fetch(&self) -> Result<Credential, ProviderError> {
        let now = self.start.elapsed();
        self.requests.lock().unwrap().push(now);
        if self.outage.0 <= now && now < self.outage.1 {
            let error = ProviderError::transient("the endpoint is down");
            return Err(match self.retry_after {
                Some(delay) => error.with_retry_after(delay),
                None => error,
            });
        }
        Ok(Credential::iam_token("t1.a")
            .unwrap()
            .with_lifetime(self.lifetime))
    }

    fn cache(&self) -> CredentialCache {
        let endpoint = self.clone();
        let clock = VirtualClock {
            start: self.start,
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
            monotonic: StdInstant::now(),
        };
        CredentialCache::builder(move || std::future::ready(endpoint.fetch()))
            .clock(clock)
            .build()
    }

    /// The number of requests in each `width` of the time from `from` to `to`.
    fn load(&self, from: Duration, to: Duration, width: Duration) -> Vec<f64> {
        let buckets = (to - from).as_secs() / width.as_secs();
        let mut load = vec![0.0; usize::try_from(buckets).unwrap()];
        for at in self.requests.lock().unwrap().iter() {
            if let Some(since) = at.checked_sub(from) {
                let bucket = usize::try_from(since.as_secs() / width.as_secs()).unwrap();
                if let Some(count) = load.get_mut(bucket) {
                    *count += 1.0;
                }
            }
        }
        load
    }
}

/// Starts all processes, evenly distributed over a minute.
pub(crate) async fn deploy(endpoint: &Endpoint) -> Vec<CredentialCache> {
    let mut caches = Vec::new();
    for process in 0..PROCESSES {
        sleep_until(endpoint.start + MINUTE * process / PROCESSES).await;
        let cache = endpoint.cache();
        cache.get().await.unwrap();
        caches.push(cache);
    }
    caches
}

fn peak_to_mean(load: &[f64], mean: f64) -> f64 {
    load.iter().copied().fold(0.0, f64::max) / mean
}

fn mean(load: &[f64]) -> f64 {
    load.iter().sum::<f64>() / load.len() as f64
}

#[tokio::test(start_paused = true)]
pub(crate) async fn deployed_fleet_spreads_renewals_over_an_hour() {
    let endpoint = Endpoint::new(12 * HOUR);
    let caches = deploy(&endpoint).await;
    sleep_until(endpoint.start + 6 * HOUR).await;
    let load = endpoint.load(5 * MINUTE, 6 * HOUR, 5 * MINUTE);
    let ratio = peak_to_mean(&load, mean(&load));
    // Renewals of all processes in the same 7 of 60 minutes would give a ratio of 8.
    assert!(ratio < 2.8, "{ratio:.1}: {load:?}");
    assert!(caches.iter().all(|cache| cache.peek().is_some()));
}

#[tokio::test(start_paused = true)]
async fn outage_with_valid_tokens_causes_few_attempts() {
    for lifetime in [12 * HOUR, HOUR] {
        let mut endpoint = Endpoint::new(lifetime);
        let (down, up) = (3 * HOUR, 3 * HOUR + 10 * MINUTE);
        endpoint.outage = (down, up);
        let caches = deploy(&endpoint).await;
        let mut unusable = 0;
        while endpoint.start.elapsed() < 5 * HOUR {
            sleep(MINUTE).await;
            unusable += caches.iter().filter(|cache| cache.peek().is_none()).count();
        }
        assert_eq!(unusable, 0, "requests would have failed");
        let normal = mean(&endpoint.load(HOUR, down, 5 * MINUTE));
        let during = peak_to_mean(&endpoint.load(down, up, 5 * MINUTE), normal);
        let after = peak_to_mean(&endpoint.load(up, 5 * HOUR, 5 * MINUTE), normal);
        // Synchronous attempts once a minute would give a ratio of 16 to 18.
        assert!(
            during < 3.5 && after < 4.5,
            "{lifetime:?}: {during:.1}, {after:.1}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn fleet_returns_spread_after_retry_after() {
    let mut endpoint = Endpoint::new(12 * HOUR);
    endpoint.outage = (Duration::ZERO, MINUTE);
    endpoint.retry_after = Some(2 * MINUTE);
    let mut caches = Vec::new();
    for _ in 0..PROCESSES {
        let cache = endpoint.cache();
        cache.get().await.unwrap_err();
        caches.push(cache);
    }
    sleep_until(endpoint.start + 5 * MINUTE).await;
    assert!(caches.iter().all(|cache| cache.peek().is_some()));
    let load = endpoint.load(2 * MINUTE, 4 * MINUTE, Duration::from_secs(10));
    let ratio = peak_to_mean(&load, mean(&load));
    // Attempts of all processes in the requested second would give a ratio of 12.
    assert!(ratio < 2.8, "{ratio:.1}: {load:?}");
}
