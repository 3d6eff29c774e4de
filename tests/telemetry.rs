//! The events and instruments of a cache: one an attempt, and none twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit};
use tower::{Layer, Service, ServiceExt};
use tracing::field::{Field, Visit};
use tracing::span;
use yandex_cloud_auth::testing::{ManualClock, ScriptedProvider};
use yandex_cloud_auth::{AuthLayer, Credential, CredentialCache, ProviderError};

type Seen = Arc<Mutex<BTreeMap<String, f64>>>;

/// Adds up counters, keeps the last of a gauge, and counts the values of a histogram.
#[derive(Clone, Default)]
struct Instruments(Seen);

struct Instrument {
    name: String,
    seen: Seen,
}

impl Instrument {
    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut seen = self.seen.lock().unwrap();
        let value = seen.entry(self.name.clone()).or_default();
        *value = change(*value);
    }
}

impl CounterFn for Instrument {
    fn increment(&self, value: u64) {
        self.change(|old| old + value as f64);
    }

    fn absolute(&self, value: u64) {
        self.change(|_| value as f64);
    }
}

impl GaugeFn for Instrument {
    fn increment(&self, value: f64) {
        self.change(|old| old + value);
    }

    fn decrement(&self, value: f64) {
        self.change(|old| old - value);
    }

    fn set(&self, value: f64) {
        self.change(|_| value);
    }
}

impl HistogramFn for Instrument {
    fn record(&self, _: f64) {
        self.change(|old| old + 1.0);
    }
}

impl Instruments {
    fn instrument(&self, key: &Key) -> Arc<Instrument> {
        let labels: String = key.labels().map(|label| format!(" {}", label.value())).collect();
        Arc::new(Instrument { name: format!("{}{labels}", key.name()), seen: self.0.clone() })
    }
}

impl metrics::Recorder for Instruments {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.instrument(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.instrument(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.instrument(key))
    }
}

/// Collects the messages of this crate's events.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl tracing::Subscriber for Events {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "yandex_cloud_auth"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap().push(message.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// A fetch, a refusal and its drop, a failed fetch with three who fail by it, and a denial.
async fn a_bad_day() {
    let clock = ManualClock::new();
    let token = Credential::iam_token("t1.a").unwrap().with_lifetime(Duration::from_secs(43_200));
    let provider = ScriptedProvider::new().answer(token).fail(ProviderError::transient("down"));
    let cache = CredentialCache::builder(provider).clock(clock.clone()).build();
    cache.get().await.unwrap();
    clock.advance(Duration::from_secs(60));

    let client = tower::service_fn(|_: Request<()>| async {
        let refusal = Response::builder().status(StatusCode::UNAUTHORIZED).body(()).unwrap();
        Ok::<_, std::convert::Infallible>(refusal)
    });
    let mut service = AuthLayer::from_cache(cache).layer(client);
    service.ready().await.unwrap().call(Request::get("/a").body(()).unwrap()).await.unwrap();
    for _ in 0..3 {
        service.ready().await.unwrap().call(Request::get("/a").body(()).unwrap()).await.unwrap_err();
    }
    let foreign = Request::get("https://evil.example/").body(()).unwrap();
    service.ready().await.unwrap().call(foreign).await.unwrap_err();
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}

#[test]
fn each_attempt_drop_and_refusal_is_one_event() {
    let events = Events::default();
    tracing::subscriber::with_default(events.clone(), || block_on(a_bad_day()));
    let refused = "request not sent";
    assert_eq!(
        *events.0.lock().unwrap(),
        [
            "credential fetched",
            "credential dropped after it was refused",
            "credential fetch failed",
            refused,
            refused,
            refused,
            refused
        ]
    );
}

#[test]
fn each_attempt_drop_and_refusal_is_counted_once() {
    let instruments = Instruments::default();
    metrics::with_local_recorder(&instruments, || block_on(a_bad_day()));
    let mut seen = instruments.0.lock().unwrap().clone();
    let expiry = seen.remove("yandex_cloud_auth_credential_expires_at_seconds").unwrap();
    assert!(expiry > 1.7e9, "{expiry}");
    let expected = [
        ("yandex_cloud_auth_consecutive_failures", 1.0),
        ("yandex_cloud_auth_credentials_dropped_total", 1.0),
        ("yandex_cloud_auth_fetch_duration_seconds", 2.0),
        ("yandex_cloud_auth_fetches_total ok", 1.0),
        ("yandex_cloud_auth_fetches_total transient", 1.0),
        ("yandex_cloud_auth_requests_refused_total denied", 1.0),
        ("yandex_cloud_auth_requests_refused_total no_credential", 3.0),
    ];
    assert_eq!(seen, expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
}
