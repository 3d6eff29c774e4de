//! The processes that `examples/fleet` simulates must fetch when real caches do.

#[path = "../../examples/fleet/endpoint.rs"]
mod endpoint;
#[allow(dead_code, reason = "the example has policies of others, too")]
#[path = "../../examples/fleet/policy.rs"]
mod policy;
#[path = "../../examples/fleet/random.rs"]
mod random;

use std::ops::Range;
use std::time::Duration;

use tokio::time::sleep_until;

use self::policy::{ThisCrate, attempts};
use crate::fleet::{self, HOUR, MINUTE, PROCESSES};

/// Simulated processes for each real one.
const SIMULATED: u32 = 20;
const END: Duration = Duration::from_secs(6 * 3600);
const WIDTH: Duration = Duration::from_secs(300);
const BUCKETS: usize = 72;

/// The requests up to the end of each five minutes.
fn totals(requests: impl Iterator<Item = Duration>) -> Vec<f64> {
    let mut totals = vec![0.0; BUCKETS];
    for at in requests.take_while(|at| *at < END) {
        totals[usize::try_from(at.as_secs() / WIDTH.as_secs()).unwrap()] += 1.0;
    }
    for bucket in 1..BUCKETS {
        totals[bucket] += totals[bucket - 1];
    }
    totals
}

async fn real(lifetime: Duration, down: Range<Duration>) -> Vec<f64> {
    let endpoint = fleet::Endpoint::new(lifetime).with_outage(down);
    let caches = fleet::deploy(&endpoint).await;
    sleep_until(endpoint.start() + END).await;
    drop(caches);
    totals(endpoint.requests().into_iter())
}

/// The totals of single processes.
fn simulated(lifetime: Duration, down: Range<Duration>) -> Vec<Vec<f64>> {
    let endpoint = endpoint::Endpoint::new(lifetime, down);
    let processes = PROCESSES * SIMULATED;
    (0..processes)
        .map(|process| {
            let start = MINUTE * process / processes;
            totals(attempts(ThisCrate::new(process.into()), start, &endpoint))
        })
        .collect()
}

/// Mean and standard deviation.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().map(|_| 1.0).sum::<f64>();
    let mean = values.clone().sum::<f64>() / count;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

#[tokio::test(start_paused = true)]
async fn simulated_fetches_are_those_of_caches() {
    // Tokens that outlive the outage, and tokens that all expire in it.
    for (lifetime, down) in [
        (12 * HOUR, 3 * HOUR..3 * HOUR + 10 * MINUTE),
        (HOUR, 3 * HOUR..4 * HOUR + 30 * MINUTE),
    ] {
        let simulated = simulated(lifetime, down.clone());
        let real = real(lifetime, down).await;
        for (bucket, real) in real.iter().enumerate() {
            let real = real / f64::from(PROCESSES);
            let (mean, deviation) = moments(simulated.iter().map(|totals| totals[bucket]));
            // The caches draw other random numbers: six standard deviations of their mean.
            let tolerance = 6.0 * deviation / f64::from(PROCESSES).sqrt() + 0.01;
            assert!(
                (real - mean).abs() < tolerance,
                "{lifetime:?}, bucket {bucket}: {real:.2}, simulated {mean:.2} +- {tolerance:.2}"
            );
        }
    }
}
