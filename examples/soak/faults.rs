//! The order of the faults of the cloud, the same on each run.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use yandex_cloud_auth::testing::{FakeCloud, Fault, Host};

use crate::clock::RATE;
use crate::outcome::History;
use crate::proxy::Proxy;
use crate::record::Record;

const SEED: u64 = 0x5eed_5eed_5eed_5eed;

/// How long a fault is active, longer than a fetch may take.
const ACTIVE: Duration = Duration::from_millis(1200);

/// The pause after it.
const CALM: Duration = Duration::from_millis(300);

/// More than the lifetime of a token.
const SKEW: Duration = Duration::from_secs(600);

/// The requests that get no response per fault. The others keep up the load.
const STUCK: u32 = 4;

/// Something that the cloud does.
#[derive(Clone, Copy, Debug)]
enum Disturbance {
    Api(Effect),
    ClockAhead,
    ClockBehind,
    HalfClose,
    Iam(Effect),
    Revoke,
}

#[derive(Clone, Copy, Debug)]
enum Effect {
    CutShort,
    Garbage,
    Hang,
    HangUp,
    Stall,
    TooManyRequests,
    Unavailable,
}

const ALL: [Disturbance; 16] = [
    Disturbance::Api(Effect::CutShort),
    Disturbance::Api(Effect::Hang),
    Disturbance::Api(Effect::HangUp),
    Disturbance::Api(Effect::Stall),
    Disturbance::Api(Effect::TooManyRequests),
    Disturbance::Api(Effect::Unavailable),
    Disturbance::ClockAhead,
    Disturbance::ClockBehind,
    Disturbance::HalfClose,
    Disturbance::Iam(Effect::CutShort),
    Disturbance::Iam(Effect::Garbage),
    Disturbance::Iam(Effect::Hang),
    Disturbance::Iam(Effect::HangUp),
    Disturbance::Iam(Effect::TooManyRequests),
    Disturbance::Iam(Effect::Unavailable),
    Disturbance::Revoke,
];

impl Effect {
    fn fault(self) -> Fault {
        match self {
            Self::CutShort => Fault::cut_short(),
            Self::Garbage => Fault::garbage(),
            Self::Hang => Fault::hang(),
            Self::HangUp => Fault::hang_up(),
            Self::Stall => Fault::stall(),
            Self::TooManyRequests => Fault::status(429).retry_after("2"),
            Self::Unavailable => Fault::status(503).retry_after("2"),
        }
    }

    /// The fault of a host that all clients use.
    fn api_fault(self) -> Fault {
        match self {
            Self::Hang | Self::Stall => self.fault().times(STUCK),
            _ => self.fault(),
        }
    }
}

/// Injects faults, and counts those that cause fetches.
pub(crate) struct Faults {
    cloud: Arc<FakeCloud>,
    proxy: Proxy,
    history: Arc<History>,
    record: Arc<Mutex<Record>>,
    random: Random,
    /// Those that have not come since each came last.
    left: Vec<Disturbance>,
    /// How often valid tokens became invalid.
    invalidations: u32,
    iam_outages: Vec<Outage>,
    /// The requests for tokens before the outage that is active, and its start.
    outage: Option<(u64, Instant)>,
}

/// Requests for tokens, and the most that the faults explain.
pub(crate) struct TokenRequests {
    pub(crate) most: u64,
    /// Those in the outage of IAM that had the most.
    pub(crate) in_outage: u64,
    pub(crate) most_in_outage: u64,
}

/// A time in which IAM issues no token.
struct Outage {
    /// The requests for tokens in it.
    requests: u64,
    /// By the fast clock.
    duration: Duration,
}

impl Outage {
    /// The pauses after failures are half a second at least, doubled with each. One more request
    /// belongs to a fetch that began before the outage, and signs its JWT twice.
    fn most_token_requests(&self) -> u64 {
        let pauses = (1.0 + 2.0 * self.duration.as_secs_f64()).log2().floor();
        2 + whole(pauses)
    }
}

impl Faults {
    pub(crate) fn new(
        cloud: Arc<FakeCloud>,
        proxy: Proxy,
        history: Arc<History>,
        record: Arc<Mutex<Record>>,
    ) -> Self {
        Self {
            cloud,
            proxy,
            history,
            record,
            random: Random(SEED),
            left: Vec::new(),
            invalidations: 0,
            iam_outages: Vec::new(),
            outage: None,
        }
    }

    /// Injects one fault after the other until `end`, each kind once before any kind again.
    pub(crate) async fn run_until(&mut self, end: Instant) {
        while Instant::now() + ACTIVE + CALM < end {
            let disturbance = self.next();
            self.begin(disturbance);
            tokio::time::sleep(ACTIVE).await;
            self.end(disturbance);
            tokio::time::sleep(CALM).await;
        }
    }

    /// The requests for tokens that expiry and the faults explain in `time` by the fast clock.
    pub(crate) fn token_requests(&self, time: Duration, lifetime: Duration) -> TokenRequests {
        let worst = self.iam_outages.iter().max_by_key(|outage| outage.requests);
        TokenRequests {
            most: self.most_token_requests(time, lifetime),
            in_outage: worst.map_or(0, |outage| outage.requests),
            most_in_outage: worst.map_or(0, Outage::most_token_requests),
        }
    }

    fn most_token_requests(&self, time: Duration, lifetime: Duration) -> u64 {
        // A token is due after 72 % of its lifetime at the earliest, if it was fetched on schedule.
        let scheduled = 1 + whole(time.div_duration_f64(lifetime) / 0.72);
        // One at once, and an early one, since the first was not on schedule.
        let after_faults = 2 * (u64::from(self.invalidations) + self.iam_outages.len() as u64);
        let in_outages = self.iam_outages.iter().map(Outage::most_token_requests);
        // The JWT of a success is signed twice, since the clock of the cloud is another one.
        2 * (scheduled + after_faults) + in_outages.sum::<u64>()
    }

    fn begin_outage(&mut self) {
        self.outage = Some((self.token_requests_so_far(), Instant::now()));
    }

    fn end_outage(&mut self) {
        let (earlier, start) = self.outage.take().expect("an outage that began");
        self.iam_outages.push(Outage {
            requests: self.token_requests_so_far() - earlier,
            duration: start.elapsed() * RATE,
        });
    }

    fn token_requests_so_far(&self) -> u64 {
        let mut record = self.record.lock().expect("a lock without panics");
        record.read(&self.cloud);
        record.token_requests
    }

    fn next(&mut self) -> Disturbance {
        if self.left.is_empty() {
            self.left = ALL.to_vec();
        }
        let index = self.random.below(self.left.len());
        self.left.swap_remove(index)
    }

    fn begin(&mut self, disturbance: Disturbance) {
        match disturbance {
            Disturbance::Api(effect) => {
                self.history.api.begin();
                for host in [Host::Grpc, Host::Workflows] {
                    self.cloud.inject(host, effect.api_fault());
                }
            }
            Disturbance::ClockAhead => {
                self.invalidate();
                self.cloud.set_clock_ahead(SKEW);
            }
            Disturbance::ClockBehind => {
                self.invalidate();
                self.cloud.set_clock_behind(SKEW);
            }
            Disturbance::HalfClose => {
                self.history.api.begin();
                self.proxy.half_close();
            }
            Disturbance::Iam(effect) => {
                self.begin_outage();
                self.history.iam.begin();
                self.cloud.inject(Host::Iam, effect.fault());
                // Every second time, the clients need a new token just then.
                if self.random.below(2) == 0 {
                    self.revoke();
                }
            }
            Disturbance::Revoke => self.revoke(),
        }
    }

    fn end(&mut self, disturbance: Disturbance) {
        match disturbance {
            Disturbance::Api(_) => {
                self.cloud.heal(Host::Grpc);
                self.cloud.heal(Host::Workflows);
            }
            Disturbance::ClockAhead | Disturbance::ClockBehind => {
                self.cloud.set_clock_ahead(Duration::ZERO);
                // Those that were issued by the wrong clock.
                self.invalidate();
            }
            Disturbance::HalfClose | Disturbance::Revoke => {}
            Disturbance::Iam(_) => {
                self.end_outage();
                self.cloud.heal(Host::Iam);
            }
        }
        self.history.end();
    }

    fn revoke(&mut self) {
        self.invalidate();
        self.cloud.revoke_all();
    }

    fn invalidate(&mut self) {
        self.invalidations += 1;
        self.history.tokens.begin();
    }
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("a short list");
        usize::try_from(self.next() % limit).expect("an index of the list")
    }
}

/// The number, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number"
)]
fn whole(number: f64) -> u64 {
    number.ceil() as u64
}
