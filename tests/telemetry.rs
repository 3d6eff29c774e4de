//! The events and instruments of a cache and a layer, and how often they occur.

#[path = "support/token.rs"]
mod token;

#[path = "support/listener.rs"]
mod listener;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use tower::{Layer, Service, ServiceExt};
use tracing::Instrument as _;
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{AuthLayer, Credential, CredentialCache, MetadataService, ProviderError};

use listener::Listener;

use crate::token::token;

const FETCHES_OK: &str = "yandex_cloud_auth.fetches{}";
const FETCHES_TRANSIENT: &str = "yandex_cloud_auth.fetches{error.type=transient}";
const DURATION: &str = "yandex_cloud_auth.fetch.duration{}";
const DURATION_TRANSIENT: &str = "yandex_cloud_auth.fetch.duration{error.type=transient}";
const IN_A_ROW: &str = "yandex_cloud_auth.fetch.consecutive_failures{}";
const EXPIRES_AT: &str = "yandex_cloud_auth.credential.expires_at{}";
const TIME_TO_EXPIRY: &str = "yandex_cloud_auth.credential.time_to_expiry{}";
const DROPPED: &str = "yandex_cloud_auth.credential.rejections{action=dropped}";
const KEPT: &str = "yandex_cloud_auth.credential.rejections{action=kept}";
const DENIED: &str = "yandex_cloud_auth.request.refusals{error.type=denied}";
const NO_CREDENTIAL: &str = "yandex_cloud_auth.request.refusals{error.type=no_credential}";

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
    let runtime = paused();
    tracing::subscriber::with_default(listener.clone(), || {
        metrics::with_local_recorder(&instruments, || runtime.block_on(run(instruments.clone())));
    });
    let ours = listener
        .lines()
        .into_iter()
        .filter(|line| line.contains(" yandex_cloud_auth"));
    (ours.map(without_durations).collect(), instruments.shown())
}

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

fn without_durations(line: String) -> String {
    let line = line.split(" pause_ms=").next().unwrap_or(&line).to_owned();
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

/// The span of a fetch.
fn started(provider: &str) -> String {
    format!(
        "INFO yandex_cloud_auth new yandex_cloud_auth.fetch provider=\"{provider}\" \
         otel.kind=\"internal\""
    )
}

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
    assert_eq!(lines, [started("ScriptedProvider"), fetched]);
    let (left, shown): (Vec<_>, Vec<_>) = shown
        .into_iter()
        .partition(|(name, _)| name == TIME_TO_EXPIRY);
    assert!(
        left.len() == 1 && (590.0..=600.0).contains(&left[0].1),
        "{left:?}"
    );
    assert_eq!(
        shown,
        [
            shows(EXPIRES_AT, seconds),
            shows(IN_A_ROW, 0.0),
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
            "WARN yandex_cloud_auth: credential fetch failed error=vault: down error.type=\"transient\" \
             consecutive_failures={in_a_row} still_usable={usable}"
        )
    };
    let fetched = format!(
        "DEBUG yandex_cloud_auth: credential fetched scheme=Bearer fingerprint={} generation=1",
        token("t1.abc").fingerprint()
    );
    let cooled_down = |in_a_row: u32| {
        format!(
            "DEBUG yandex_cloud_auth: cool-down of the credential fetches started consecutive_failures={in_a_row}"
        )
    };
    let started = || started("ScriptedProvider");
    assert_eq!(
        lines,
        [
            started(),
            failed(1, false),
            cooled_down(1),
            started(),
            failed(2, false),
            cooled_down(2),
            started(),
            fetched,
            started(),
            failed(1, true),
            cooled_down(1),
        ]
    );
    assert!(
        shown.contains(&shows(FETCHES_TRANSIENT, 3.0)) && shown.contains(&shows(FETCHES_OK, 1.0)),
        "{shown:?}"
    );
    assert!(
        shown.contains(&shows(DURATION_TRANSIENT, 3.0)) && shown.contains(&shows(IN_A_ROW, 1.0)),
        "{shown:?}"
    );
}

#[test]
fn every_kind_of_error_has_its_label() {
    for (error, kind) in [
        (ProviderError::permanent("x"), "permanent"),
        (ProviderError::transient("x"), "transient"),
        (ProviderError::not_configured("x"), "not_configured"),
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
            lines[1].contains(&format!("error.type=\"{kind}\" ")),
            "{lines:?}"
        );
        let label = format!("yandex_cloud_auth.fetches{{error.type={kind}}}");
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
        lines
            .contains(&"INFO yandex_cloud_auth_test in yandex_cloud_auth.fetch: asking".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"INFO yandex_cloud_auth_test: asked".to_owned()),
        "{lines:?}"
    );
}

/// The fields that a fetch's span gets at its end.
fn assert_failed(lines: &[String], error_type: &str) {
    for line in [
        "recorded otel.status_code=\"ERROR\"".to_owned(),
        format!("recorded error.type=\"{error_type}\""),
    ] {
        assert!(lines.contains(&line), "{line}: {lines:?}");
    }
}

#[test]
fn span_of_panicking_fetch_has_error_status() {
    let listener = Listener::default();
    tracing::subscriber::with_default(listener.clone(), || {
        paused().block_on(async {
            let provider = || async { panic!("a planned panic") };
            assert!(CredentialCache::new(provider).get().await.is_err());
        });
    });
    assert_failed(&listener.lines(), "transient");
}

/// The HTTP call of a provider, as an instrumented transport makes it.
#[test]
fn fetch_span_is_parent_of_http_call() {
    let listener = Listener::default();
    let (runtime, instruments) = (paused(), Instruments::default());
    tracing::subscriber::with_default(listener.clone(), || {
        let transport = tower::service_fn(|request: Request<Full<Bytes>>| {
            let call = tracing::info_span!("http_call", path = request.uri().path());
            async { Err::<Response<Full<Bytes>>, _>(std::io::Error::other("down")) }
                .instrument(call)
        });
        let provider = MetadataService::new()
            .with_endpoint("http://127.0.0.1:9")
            .with_transport(transport);
        let cache = CredentialCache::new(provider);
        metrics::with_local_recorder(&instruments, || {
            runtime.block_on(async {
                let request = tracing::info_span!("request");
                assert!(cache.get().instrument(request).await.is_err());
            });
        });
    });
    let lines = listener.lines();
    let call = "INFO telemetry in yandex_cloud_auth.fetch new http_call";
    assert!(lines.iter().any(|line| line.starts_with(call)), "{lines:?}");
    assert_failed(&lines, "not_configured");
}

#[test]
fn rotation_is_reported_with_both_fingerprints() {
    let (lines, _) = record(|_| async {
        let provider = ScriptedProvider::new()
            .answer(token("t1.a"))
            .answer(token("t1.a"))
            .answer(token("t1.b"));
        let cache = CredentialCache::new(provider);
        for _ in 0..3 {
            cache.refresh().await.unwrap();
        }
    });
    let rotated: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("credential rotated"))
        .collect();
    let expected = format!(
        "DEBUG yandex_cloud_auth: credential rotated scheme=Bearer fingerprint={} \
         previous_fingerprint={}",
        token("t1.b").fingerprint(),
        token("t1.a").fingerprint()
    );
    assert_eq!(rotated, [&expected]);
}

#[test]
fn time_to_expiry_falls_without_requests() {
    let (_, shown) = record(|_| async {
        let token = token("t1.a").with_lifetime(Duration::from_secs(12 * 3600));
        let clock = ManualClock::new();
        let cache = CredentialCache::builder(ScriptedProvider::new().answer(token).hang())
            .clock(clock.clone())
            .build();
        cache.get().await.unwrap();
        clock.advance(Duration::from_secs(300));
        tokio::time::sleep(Duration::from_secs(61)).await;
    });
    let left = 12.0 * 3600.0 - 300.0;
    assert!(shown.contains(&shows(TIME_TO_EXPIRY, left)), "{shown:?}");
}

#[test]
fn credential_without_expiry_never_expires_in_gauges() {
    let (_, shown) = record(|instruments| async move {
        let endless = Credential::iam_token("t1.abc").unwrap();
        let (cache, clock) = on_clock(ScriptedProvider::new().answer(endless));
        let first = cache.get().await.unwrap();
        assert_eq!(instruments.get(EXPIRES_AT), f64::INFINITY);
        clock.advance(Duration::from_secs(60));
        assert!(cache.invalidate(&first));
        assert_eq!(instruments.get(EXPIRES_AT), 0.0);
        cache.get().await.unwrap();
    });
    for gauge in [EXPIRES_AT, TIME_TO_EXPIRY] {
        assert!(shown.contains(&shows(gauge, f64::INFINITY)), "{shown:?}");
    }
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
    assert!(
        shown.contains(&shows(DROPPED, 1.0)) && shown.contains(&shows(KEPT, 1.0)),
        "{shown:?}"
    );
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
        .filter(|line| line.contains(": request "))
        .collect();
    assert_eq!(unsent.len(), 5, "{lines:?}");
    assert!(
        unsent[0].starts_with("DEBUG yandex_cloud_auth: request denied by the policy error=")
            && unsent[0] == unsent[1]
    );
    assert!(
        unsent[0].contains("GET /workflows/v1/workflow was not sent"),
        "{}",
        unsent[0]
    );
    assert!(
        unsent[2].ends_with("request not sent: no credential error=no credential to send: down"),
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
