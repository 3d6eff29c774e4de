//! The events and instruments of a cache and a layer, and how often they occur.

#[path = "support/token.rs"]
mod token;

#[path = "support/listener.rs"]
mod listener;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Request, Response};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use tower::{Layer, Service, ServiceExt};
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{AuthLayer, Credential, CredentialCache, ProviderError};

use listener::Listener;

use crate::token::token;

const FETCHES_OK: &str = "yandex_cloud_auth_fetches_total{outcome=ok}";
const FETCHES_TRANSIENT: &str = "yandex_cloud_auth_fetches_total{outcome=transient}";
const DURATION: &str = "yandex_cloud_auth_fetch_duration_seconds{}";
const IN_A_ROW: &str = "yandex_cloud_auth_consecutive_failures{}";
const EXPIRES_AT: &str = "yandex_cloud_auth_credential_expires_at_seconds{}";
const DROPPED: &str = "yandex_cloud_auth_credentials_dropped_total{}";
const DENIED: &str = "yandex_cloud_auth_requests_refused_total{reason=denied}";
const NO_CREDENTIAL: &str = "yandex_cloud_auth_requests_refused_total{reason=no_credential}";

/// The values of all instruments: the count of a counter, the last value of a gauge, the number of
/// records of a histogram.
#[derive(Clone, Default)]
struct Instruments(Arc<Mutex<BTreeMap<String, f64>>>);

impl Instruments {
    fn shown(&self) -> Vec<(String, f64)> {
        self.0.lock().unwrap().clone().into_iter().collect()
    }

    fn get(&self, name: &str) -> f64 {
        self.0
            .lock()
            .unwrap()
            .get(name)
            .copied()
            .unwrap_or_default()
    }

    fn at(&self, key: &Key) -> Arc<Instrument> {
        let labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        Arc::new(Instrument {
            name: format!("{}{{{}}}", key.name(), labels.join(",")),
            all: self.clone(),
        })
    }
}

struct Instrument {
    name: String,
    all: Instruments,
}

impl Instrument {
    fn change(&self, change: impl FnOnce(&mut f64)) {
        change(
            self.all
                .0
                .lock()
                .unwrap()
                .entry(self.name.clone())
                .or_default(),
        );
    }
}

impl CounterFn for Instrument {
    fn increment(&self, value: u64) {
        self.change(|count| *count += f64::from(u32::try_from(value).unwrap()));
    }

    fn absolute(&self, _: u64) {
        unreachable!("counters are incremented");
    }
}

impl GaugeFn for Instrument {
    fn increment(&self, _: f64) {
        unreachable!("gauges are set");
    }

    fn decrement(&self, _: f64) {
        unreachable!("gauges are set");
    }

    fn set(&self, value: f64) {
        self.change(|shown| *shown = value);
    }
}

impl HistogramFn for Instrument {
    fn record(&self, value: f64) {
        assert!((0.0..60.0).contains(&value), "{} took {value} s", self.name);
        self.change(|records| *records += 1.0);
    }
}

impl Recorder for Instruments {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.at(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.at(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.at(key))
    }
}

/// Runs `run` on this thread, and returns the lines of its events and the final values of the
/// instruments.
fn record<F: Future<Output = ()>>(
    run: impl FnOnce(Instruments) -> F,
) -> (Vec<String>, Vec<(String, f64)>) {
    let (listener, instruments) = (Listener::default(), Instruments::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    tracing::subscriber::with_default(listener.clone(), || {
        metrics::with_local_recorder(&instruments, || runtime.block_on(run(instruments.clone())));
    });
    let ours = listener
        .lines()
        .into_iter()
        .filter(|line| line.contains(" yandex_cloud_auth"));
    (ours.map(without_durations).collect(), instruments.shown())
}

fn without_durations(line: String) -> String {
    match line.split_once(" took_ms=") {
        Some((line, took)) => {
            assert!(took.parse::<u64>().is_ok(), "{took} ms");
            line.to_owned()
        }
        None => line,
    }
}

fn shows(name: &str, value: f64) -> (String, f64) {
    (name.to_owned(), value)
}

fn on_clock(provider: ScriptedProvider) -> (CredentialCache, ManualClock) {
    let clock = ManualClock::new();
    (
        CredentialCache::builder(provider)
            .clock(clock.clone())
            .build(),
        clock,
    )
}

const STARTED: &str = "DEBUG yandex_cloud_auth new credential_fetch";

#[test]
fn fetch_is_reported_once() {
    let end = UNIX_EPOCH
        + Duration::from_secs(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_secs()
                + 600,
        );
    let seconds = end.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let credential = Credential::iam_token("t1.abc").unwrap().with_expiry(end);
    let fingerprint = credential.fingerprint();
    let (lines, shown) = record(|_| async move {
        let cache = CredentialCache::new(
            ScriptedProvider::new()
                .after(Duration::from_secs(1))
                .answer(credential),
        );
        futures_util::future::try_join_all((0..100).map(|_| cache.get()))
            .await
            .unwrap();
    });
    let fetched = format!(
        "DEBUG yandex_cloud_auth: credential fetched scheme=Bearer fingerprint={fingerprint} generation=1"
    );
    assert_eq!(lines, [STARTED.to_owned(), fetched]);
    assert_eq!(
        shown,
        [
            shows(IN_A_ROW, 0.0),
            shows(EXPIRES_AT, seconds),
            shows(DURATION, 1.0),
            shows(FETCHES_OK, 1.0),
        ]
    );
}

#[test]
fn failure_is_reported_once_per_attempt() {
    let down = || ProviderError::transient("down").with_provider("vault");
    let (lines, shown) = record(|instruments| async move {
        let (cache, clock) = on_clock(
            ScriptedProvider::new()
                .fail(down())
                .fail(down())
                .answer(token("t1.abc"))
                .fail(down()),
        );
        for in_a_row in [1.0, 2.0] {
            for _ in 0..10 {
                assert!(cache.get().await.is_err());
            }
            assert_eq!(instruments.get(IN_A_ROW), in_a_row);
            clock.advance(Duration::from_secs(2));
        }
        cache.get().await.unwrap();
        assert_eq!(instruments.get(IN_A_ROW), 0.0);
        assert!(cache.refresh().await.is_err());
    });
    let failed = |in_a_row: u32, usable: bool| {
        format!(
            "WARN yandex_cloud_auth: credential fetch failed error=vault: down permanent=false \
             consecutive_failures={in_a_row} still_usable={usable}"
        )
    };
    let fetched = format!(
        "DEBUG yandex_cloud_auth: credential fetched scheme=Bearer fingerprint={} generation=1",
        token("t1.abc").fingerprint()
    );
    let expected = [failed(1, false), failed(2, false), fetched, failed(1, true)];
    let expected: Vec<_> = expected
        .into_iter()
        .flat_map(|line| [STARTED.to_owned(), line])
        .collect();
    assert_eq!(lines, expected);
    assert!(
        shown.contains(&shows(FETCHES_TRANSIENT, 3.0)) && shown.contains(&shows(FETCHES_OK, 1.0)),
        "{shown:?}"
    );
    assert!(
        shown.contains(&shows(DURATION, 4.0)) && shown.contains(&shows(IN_A_ROW, 1.0)),
        "{shown:?}"
    );
}

#[test]
fn every_outcome_of_a_fetch_has_its_label() {
    for (error, outcome, permanent) in [
        (ProviderError::permanent("x"), "permanent", true),
        (ProviderError::transient("x"), "transient", false),
        (ProviderError::not_configured("x"), "not_configured", false),
    ] {
        let (lines, shown) = record(|_| async {
            assert!(
                CredentialCache::new(ScriptedProvider::new().fail(error))
                    .get()
                    .await
                    .is_err()
            );
        });
        assert!(
            lines[1].contains(&format!("permanent={permanent} ")),
            "{lines:?}"
        );
        let label = format!("yandex_cloud_auth_fetches_total{{outcome={outcome}}}");
        assert!(shown.contains(&shows(&label, 1.0)), "{shown:?}");
    }
}

#[test]
fn provider_events_are_inside_fetch_span() {
    let (lines, _) = record(|_| async {
        let provider = || async {
            tokio::task::yield_now().await;
            tracing::info!(target: "yandex_cloud_auth_test", "asking");
            Ok(token("t1.abc"))
        };
        CredentialCache::new(provider).get().await.unwrap();
        tracing::info!(target: "yandex_cloud_auth_test", "asked");
    });
    assert!(
        lines.contains(&"INFO yandex_cloud_auth_test in credential_fetch: asking".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"INFO yandex_cloud_auth_test: asked".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn drop_is_reported_once() {
    let (lines, shown) = record(|instruments| async move {
        let (cache, clock) = on_clock(ScriptedProvider::new().answer(token("t1.abc")));
        let rejecting = tower::service_fn(|_: Request<()>| async {
            Ok::<_, Infallible>(Response::builder().status(401).body(()).unwrap())
        });
        let service = AuthLayer::from_cache(cache).layer(rejecting);
        let send = || service.clone().oneshot(Request::new(()));
        send().await.unwrap();
        assert_eq!(instruments.get(DROPPED), 0.0, "too young");
        clock.advance(Duration::from_secs(5));
        let mut all = Vec::new();
        for _ in 0..100 {
            all.push(
                service
                    .clone()
                    .ready()
                    .await
                    .unwrap()
                    .call(Request::new(())),
            );
        }
        futures_util::future::try_join_all(all).await.unwrap();
    });
    let dropped = format!(
        "WARN yandex_cloud_auth: credential dropped after a rejection scheme=Bearer fingerprint={}",
        token("t1.abc").fingerprint()
    );
    assert_eq!(lines[2..], [dropped]);
    assert!(shown.contains(&shows(DROPPED, 1.0)), "{shown:?}");
}

#[test]
fn unsent_request_is_reported_with_reason() {
    let client =
        || tower::service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
    let (lines, shown) = record(|_| async move {
        let key = AuthLayer::new(Credential::api_key("AQVN1").unwrap());
        let denied = || Request::get("/workflows/v1/workflow").body(()).unwrap();
        assert!(key.layer(client()).oneshot(denied()).await.is_err());
        assert!(
            key.grpc().layer(client()).oneshot(denied()).await.is_ok(),
            "the error is a gRPC response"
        );
        let nothing =
            AuthLayer::new(ScriptedProvider::new().fail(ProviderError::transient("down")));
        for _ in 0..3 {
            assert!(
                nothing
                    .layer(client())
                    .oneshot(Request::new(()))
                    .await
                    .is_err()
            );
        }
    });
    let unsent: Vec<_> = lines
        .iter()
        .filter(|line| line.contains(": request not sent"))
        .collect();
    assert_eq!(unsent.len(), 5, "{lines:?}");
    assert!(
        unsent[0].starts_with("DEBUG yandex_cloud_auth: request not sent error=")
            && unsent[0] == unsent[1]
    );
    assert!(
        unsent[0].contains("GET /workflows/v1/workflow was not sent"),
        "{}",
        unsent[0]
    );
    assert!(
        unsent[2].ends_with("error=no credential to send: down"),
        "{}",
        unsent[2]
    );
    assert!(
        shown.contains(&shows(DENIED, 2.0)) && shown.contains(&shows(NO_CREDENTIAL, 3.0)),
        "{shown:?}"
    );
}

#[cfg(all(unix, feature = "service-account"))]
#[test]
fn world_readable_key_file_is_reported() {
    use std::fs::{Permissions, remove_file, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    let path = std::env::temp_dir().join(format!("telemetry-{}.json", std::process::id()));
    write(&path, include_str!("fixtures/service_account_key.json")).unwrap();
    for (mode, times) in [(0o600, 0), (0o644, 1)] {
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let (lines, _) = record(|_| async {
            yandex_cloud_auth::ServiceAccountKey::from_file(&path).unwrap();
        });
        let expected =
            "WARN yandex_cloud_auth: key file is readable by all: its mode should be 0600 path=";
        assert_eq!(
            lines,
            vec![format!("{expected}{}", path.display()); times],
            "{mode:o}"
        );
    }
    remove_file(path).unwrap();
}
