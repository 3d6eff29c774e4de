//! Three clients at full load, while a fake Yandex Cloud on loopback fails in many ways.
//!
//!     cargo run --example soak --features testing,retry
//!
//! `SOAK_SECONDS` is the duration: 30 by default, 15 at least. The faults come in the same order on
//! each run. Tokens are revoked; IAM and the API hang, close connections, cut and stall bodies, and
//! respond with 503, 429 and HTML; the clock of the cloud moves; connections are half-closed. The
//! clock of the cache and of the cloud runs 60 times as fast as real time, so that the limits of the
//! cache, which are minutes, apply.
//!
//! The program fails if
//!
//! - a request fails without an injected fault that has this effect: although the cache held a valid
//!   credential and the API was well, by a denial, or by a rejection of a valid credential,
//! - a request fails at the end, after all faults,
//! - the cloud receives a request without credentials or with those of another client,
//! - it receives more requests for tokens than the expiry of tokens and the faults explain, or more
//!   in one outage of IAM than its duration explains,
//! - memory grows after the first third of the run,
//! - a task or a socket is left at the end, or anything panics.

mod client;
mod clock;
mod faults;
mod left_over;
mod load;
mod memory;
mod outcome;
mod proxy;
mod record;
mod report;
mod tally;

use std::env;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{Credential, CredentialCache, ServiceAccountKey};

use client::Client;
use clock::{FastClock, RATE};
use faults::{Faults, TokenRequests};
use load::{Load, Results};
use outcome::{History, SETTLE};
use proxy::Proxy;
use record::Record;
use report::Report;

const DEFAULT_SECONDS: u64 = 30;
const MIN_SECONDS: u64 = 15;

/// The time at the end in which every request must succeed.
const RECOVERED: Duration = Duration::from_secs(3);

/// The lifetime of a token by the fast clock.
const TOKEN_LIFETIME: Duration = Duration::from_secs(180);

/// In real time. It ends the fetches that hang.
const FETCH_TIMEOUT: Duration = Duration::from_secs(1);

/// The time beyond the duration after which the program gives up.
const OVERTIME: Duration = Duration::from_secs(60);

static PANICS: AtomicU64 = AtomicU64::new(0);

fn main() -> Result<ExitCode, BoxError> {
    count_panics();
    let seconds = env::var("SOAK_SECONDS").map_or(Ok(DEFAULT_SECONDS), |text| text.parse())?;
    let duration = Duration::from_secs(seconds.max(MIN_SECONDS));
    let report = Runtime::new()?
        .block_on(async { tokio::time::timeout(duration + OVERTIME, soak(duration)).await })??;
    Ok(if report.has_failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Counts panics on all threads. Their messages are printed as usual.
fn count_panics() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        print(panic);
    }));
}

async fn soak(duration: Duration) -> Result<Report, BoxError> {
    let sockets_before = left_over::sockets();
    let cloud = Arc::new(FakeCloud::start().await);
    let sockets_of_cloud = left_over::sockets();
    println!("full load for {duration:?}\n");
    let (results, token_requests) = load(&cloud, duration).await?;

    let mut report = Report::default();
    report.results(&results, &token_requests);
    report.at_most("  tasks left", left_over::tasks().await, 0);
    let sockets = left_over::sockets_beyond(sockets_of_cloud).await;
    report.at_most("  sockets left", sockets, 0);
    drop(cloud);
    let sockets = left_over::sockets_beyond(sockets_before).await;
    report.at_most("  sockets left by the cloud", sockets, 0);
    report.at_most("  panics", PANICS.load(Ordering::SeqCst), 0);
    Ok(report)
}

/// Runs the clients against the faults. Returns what they have shown, and the requests for tokens that
/// the faults explain.
async fn load(
    cloud: &Arc<FakeCloud>,
    duration: Duration,
) -> Result<(Results, TokenRequests), BoxError> {
    let clock = FastClock::start();
    cloud.set_clock(clock.clone());
    cloud.set_token_lifetime(TOKEN_LIFETIME);
    let history = Arc::new(History::start());
    let proxy = Proxy::start(cloud.workflows_url()).await?;
    let clients = clients(cloud, clock, proxy.url())?;
    let record = Arc::new(Mutex::new(Record::default()));
    let mut faults = Faults::new(
        Arc::clone(cloud),
        proxy,
        Arc::clone(&history),
        Arc::clone(&record),
    );

    let start = Instant::now();
    let load = Load::start(clients, cloud, &history, &record);
    faults
        .run_until(start + duration - SETTLE - RECOVERED)
        .await;
    tokio::time::sleep(SETTLE).await;
    load.recovered();
    tokio::time::sleep(RECOVERED).await;
    let results = load.stop().await?;
    let token_requests = faults.token_requests(start.elapsed() * RATE, TOKEN_LIFETIME);
    Ok((results, token_requests))
}

fn clients(
    cloud: &FakeCloud,
    clock: FastClock,
    proxy_url: String,
) -> Result<Vec<Client>, BoxError> {
    let key =
        ServiceAccountKey::from_json(cloud.service_account_key())?.with_endpoint(cloud.iam_url());
    let tokens = CredentialCache::builder(key)
        .clock(clock.clone())
        .fetch_timeout(FETCH_TIMEOUT)
        .build();
    let api_key = CredentialCache::new(Credential::api_key(cloud.api_key())?);
    Ok(vec![
        Client::rest(tokens.clone(), clock.clone(), proxy_url),
        Client::grpc(tokens, clock.clone(), &cloud.grpc_url())?,
        Client::api_key(api_key, clock, cloud.workflows_url()),
    ])
}
