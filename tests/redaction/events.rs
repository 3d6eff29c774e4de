//! The events and spans of `tracing` at every level and on every thread.

use std::time::Duration;

use http::{Request, StatusCode};
use tonic::transport::Endpoint;
use tower::{BoxError, Layer, ServiceExt};
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host, ManualClock, proto};
use yandex_cloud_auth::*;

use crate::canary::*;
use crate::listener::Listener;

struct Run {
    cloud: FakeCloud,
    cache: CredentialCache,
    clock: ManualClock,
    secrets: Vec<String>,
}

impl Run {
    async fn start() -> Self {
        let (cloud, clock) = (FakeCloud::start().await, ManualClock::new());
        cloud.set_clock(clock.clone());
        let key = ServiceAccountKey::from_json(cloud.service_account_key())
            .unwrap()
            .with_endpoint(cloud.iam_url());
        let cache = CredentialCache::builder(key).clock(clock.clone()).build();
        let secrets = vec![cloud.api_key(), private_key_part(&cloud)];
        Self {
            cloud,
            cache,
            clock,
            secrets,
        }
    }

    async fn get(&mut self, auth: AuthLayer, path: &str) -> Result<StatusCode, BoxError> {
        let policy = TrustedOrigins::none().allow_loopback().and(ExecutionOnly);
        let client = auth.with_policy(policy).layer(HttpsTransport::new());
        let request = Request::get(self.cloud.workflows_url() + path).body(Default::default())?;
        let outcome = client
            .oneshot(request)
            .await
            .map(|response| response.status());
        self.note_token();
        outcome
    }

    async fn list(&mut self) -> Result<StatusCode, BoxError> {
        self.get(
            AuthLayer::from_cache(self.cache.clone()),
            "/workflows/v1/execution?workflowId=dfq1",
        )
        .await
    }

    async fn list_grpc(&mut self) -> Result<(), tonic::Status> {
        let channel = Endpoint::from_shared(self.cloud.grpc_url())
            .unwrap()
            .connect_lazy();
        let channel = AuthLayer::from_cache(self.cache.clone())
            .grpc()
            .layer(channel);
        let request = proto::ListExecutionsRequest {
            workflow_id: "dfq1".to_owned(),
            ..Default::default()
        };
        let outcome = proto::ExecutionServiceClient::new(channel)
            .list(request)
            .await
            .map(drop);
        self.note_token();
        outcome
    }

    fn note_token(&mut self) {
        if let Some(credential) = self.cache.peek() {
            let token = credential
                .header_value()
                .to_str()
                .unwrap()
                .split_once(' ')
                .unwrap()
                .1
                .to_owned();
            if !self.secrets.contains(&token) {
                self.secrets.push(token);
            }
        }
    }
}

fn private_key_part(cloud: &FakeCloud) -> String {
    let file: serde_json::Value = serde_json::from_str(&cloud.service_account_key()).unwrap();
    file["private_key"]
        .as_str()
        .unwrap()
        .lines()
        .nth(8)
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn events_of_full_run_have_no_secret() {
    let listener = Listener::default();
    tracing::subscriber::set_global_default(listener.clone()).unwrap();
    let mut run = Run::start().await;

    assert_eq!(run.list().await.unwrap(), 200);
    run.list_grpc().await.unwrap();
    run.clock.advance(Duration::from_secs(5));
    run.cloud.revoke_all();
    assert_eq!(run.list().await.unwrap(), 401);
    assert_eq!(run.list().await.unwrap(), 200);
    run.cloud.inject(Host::Iam, Fault::status(503).times(1));
    assert!(run.cache.refresh().await.is_err());
    run.cache.refresh().await.unwrap();
    run.note_token();
    let key = Credential::api_key(run.cloud.api_key()).unwrap();
    assert!(
        run.get(AuthLayer::new(key), "/workflows/v1/workflow/dfq1")
            .await
            .is_err()
    );
    run.cloud.rotate_service_account_key();
    assert!(run.cache.refresh().await.is_err());

    let panicking = AuthLayer::new(|| async { panic!("{TOKEN}") });
    assert!(
        run.get(panicking, "/workflows/v1/workflow/dfq1")
            .await
            .is_err()
    );

    let events = listener.lines().join("\n");
    let messages = [
        "new yandex_cloud_auth.fetch",
        "credential fetched",
        "credential rotated",
        "credential fetch failed",
        "credential dropped after a rejection",
        "cool-down of the credential fetches started",
        "request denied by the policy",
    ];
    for message in messages {
        assert!(events.contains(message), "no event `{message}`: {events}");
    }
    assert_eq!(run.secrets.len(), 5, "a key, an API key and three tokens");
    for secret in &run.secrets {
        assert_without("an event", &events, secret);
    }
    assert!(
        !events.contains("eyJ"),
        "an event contains an assertion: {events}"
    );
    assert_silent("an event", &events);
}
