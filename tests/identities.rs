//! Every identity that asks over the network, against a cloud on loopback.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use yandex_cloud_auth::testing::{FakeCloud, Fault, Host};
use yandex_cloud_auth::{
    Credential, CredentialCache, CredentialProvider, HttpsTransport, Impersonation, MetadataService, OAuthToken,
    ProviderError, Refresh, Scheme, ServiceAccountKey, WorkloadIdentity,
};

/// All of them, asking through one transport, each with the host it asks.
struct Identities<'a> {
    cloud: &'a FakeCloud,
    transport: HttpsTransport,
}

impl<'a> Identities<'a> {
    fn of(cloud: &'a FakeCloud) -> Self {
        Self { cloud, transport: HttpsTransport::new() }
    }

    fn key(&self) -> ServiceAccountKey {
        let provider = ServiceAccountKey::from_json(self.cloud.service_account_key()).unwrap();
        provider.with_endpoint(self.cloud.iam_url()).with_transport(self.transport.clone())
    }

    fn metadata(&self) -> MetadataService {
        MetadataService::new().with_endpoint(self.cloud.metadata_url()).with_transport(self.transport.clone())
    }

    fn oauth(&self, token: &str) -> OAuthToken {
        let provider = OAuthToken::new(token).unwrap();
        provider.with_endpoint(self.cloud.iam_url()).with_transport(self.transport.clone())
    }

    fn workload(&self) -> WorkloadIdentity {
        let subject_token = self.cloud.subject_token();
        let provider = WorkloadIdentity::from_fn(self.cloud.service_account_id(), move || {
            let subject_token = subject_token.clone();
            async { Ok(subject_token) }
        });
        provider.with_endpoint(self.cloud.oauth_url()).with_transport(self.transport.clone())
    }

    fn impersonation(&self, source: impl CredentialProvider) -> Impersonation {
        let provider = Impersonation::new(source, self.cloud.other_service_account_id());
        provider.with_endpoint(self.cloud.iam_url()).with_transport(self.transport.clone())
    }

    async fn fetch_each(&self) -> Vec<(Host, Result<Credential, ProviderError>)> {
        vec![
            (Host::Iam, self.key().fetch().await),
            (Host::Metadata, self.metadata().fetch().await),
            (Host::Iam, self.oauth(&self.cloud.oauth_token()).fetch().await),
            (Host::OAuth, self.workload().fetch().await),
        ]
    }
}

#[tokio::test]
async fn every_identity_gets_by_one_request_a_token_that_the_cloud_accepts() {
    let cloud = FakeCloud::start().await;
    let identities = Identities::of(&cloud);
    for (_, outcome) in identities.fetch_each().await {
        let credential = outcome.unwrap();
        assert_eq!(credential.scheme(), Scheme::Bearer);

        // Only a token that is accepted can be exchanged for another account's.
        let other = identities.impersonation(credential.clone()).fetch().await.unwrap();
        assert_ne!(other.fingerprint(), credential.fingerprint());
    }
    assert_eq!(cloud.count(|request| request.host == Host::Iam), 2 + 4);
    assert_eq!(cloud.count(|request| request.host == Host::Metadata), 1);
    assert_eq!(cloud.count(|request| request.host == Host::OAuth), 1);
}

#[tokio::test]
async fn a_local_clock_that_is_hours_off_costs_one_more_request_and_no_token_its_life() {
    let cloud = FakeCloud::start().await;
    let clocks: [fn(&FakeCloud, Duration); 2] = [FakeCloud::set_clock_ahead, FakeCloud::set_clock_behind];
    for set in clocks {
        set(&cloud, Duration::from_secs(3 * 3600));
        cloud.clear_audit();
        let cache = CredentialCache::new(Identities::of(&cloud).key());
        cache.get().await.unwrap();
        assert_eq!(cloud.count(|request| request.host == Host::Iam), 2);
        let left = cache.status().expires_at().unwrap().duration_since(SystemTime::now()).unwrap();
        assert!((43_190..=43_200).contains(&left.as_secs()), "{left:?}");
    }
}

#[tokio::test]
async fn a_key_that_was_replaced_is_refused_until_its_file_is_too() {
    let cloud = FakeCloud::start().await;
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("identities.json");
    fs::write(&path, cloud.service_account_key()).unwrap();
    let provider = ServiceAccountKey::from_file(&path).unwrap().with_endpoint(cloud.iam_url());
    provider.fetch().await.unwrap();

    cloud.rotate_service_account_key();
    let error = provider.fetch().await.unwrap_err();
    assert!(error.is_permanent() && error.to_string().contains("was not found (code 16, request id "), "{error}");

    fs::write(&path, cloud.service_account_key()).unwrap();
    provider.fetch().await.unwrap();
    fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn an_oauth_token_that_was_issued_too_late_is_refused_with_the_date() {
    let cloud = FakeCloud::start().await;
    // 2026-06-02.
    let late = cloud.issue_oauth_token(UNIX_EPOCH + Duration::from_secs(1_780_400_000));
    let error = Identities::of(&cloud).oauth(&late).fetch().await.unwrap_err();
    assert!(error.is_permanent() && error.to_string().contains("issued from 2026-06-01 on"), "{error}");
}

#[tokio::test]
async fn every_fault_of_a_server_is_transient_and_asked_once() {
    let faults = [
        Fault::status(503),
        Fault::status(429),
        Fault::garbage(),
        Fault::hang_up(),
        Fault::cut_short(),
        Fault::endless(),
    ];
    for fault in faults {
        let cloud = FakeCloud::start().await;
        for host in [Host::Iam, Host::Metadata, Host::OAuth] {
            cloud.inject(host, fault.clone());
        }
        for (host, outcome) in Identities::of(&cloud).fetch_each().await {
            let error = outcome.unwrap_err();
            // A metadata service that hangs up before it has ever answered may be none.
            assert!(
                error.is_transient() || (host == Host::Metadata && error.is_not_configured()),
                "{fault:?}: {error}"
            );
        }
        assert_eq!(cloud.audit().len(), 4, "{fault:?}");
    }
}

#[tokio::test]
async fn a_refused_role_is_named() {
    let cloud = FakeCloud::start().await;
    cloud.allow_impersonation(false);
    let identities = Identities::of(&cloud);
    let error = identities.impersonation(identities.key()).fetch().await.unwrap_err();
    assert!(error.is_permanent() && error.to_string().contains("iam.serviceAccounts.tokenCreator"), "{error}");
}

/// What each identity's fetch ends with, at a deadline far above what a loopback server needs.
async fn outcomes(identities: &Identities<'_>) -> Vec<Result<Credential, String>> {
    let caches = [
        CredentialCache::new(identities.key()),
        CredentialCache::new(identities.metadata()),
        CredentialCache::new(identities.oauth(&identities.cloud.oauth_token())),
        CredentialCache::new(identities.workload()),
        CredentialCache::new(identities.impersonation(Credential::iam_token("t1.canary").unwrap())),
    ];
    let mut outcomes = Vec::new();
    for cache in caches {
        let outcome = tokio::time::timeout(Duration::from_secs(2), cache.get()).await;
        outcomes.push(
            outcome.map_err(|_| "no end".to_owned()).and_then(|got| got.map_err(|error| format!("{error} {error:?}"))),
        );
    }
    outcomes
}

#[tokio::test]
async fn no_fault_makes_an_identity_grow_follow_or_quote_and_each_heals() {
    let cloud = FakeCloud::start().await;
    let trap = cloud.workflows_url() + "/canary";
    let location = http::HeaderValue::from_str(&trap).unwrap();
    let echo = r#"{"code":16,"message":"you sent t1.canary eyJcanary.a.b y0_canary","canary":"canary"}"#;
    let faults = [
        Fault::endless(),
        Fault::garbage(),
        Fault::answer(200, "canary"),
        Fault::answer(307, "canary").header(http::header::LOCATION, location),
        Fault::answer(401, echo),
        Fault::answer(500, echo),
    ];
    for fault in faults {
        cloud.clear_audit();
        for host in [Host::Iam, Host::Metadata, Host::OAuth] {
            cloud.inject(host, fault.clone());
        }
        for outcome in outcomes(&Identities::of(&cloud)).await {
            let error = outcome.unwrap_err();
            assert!(!error.contains("canary") && error != "no end", "{fault:?}: {error}");
        }
        assert_eq!(cloud.count(|request| request.host == Host::Workflows), 0, "{fault:?}");
        assert_eq!(cloud.audit().len(), 5, "{fault:?}");
        for host in [Host::Iam, Host::Metadata, Host::OAuth] {
            cloud.heal(host);
        }
        assert!(Identities::of(&cloud).fetch_each().await.iter().all(|(_, outcome)| outcome.is_ok()), "{fault:?}");
    }
}

#[tokio::test]
async fn a_host_that_hangs_costs_each_identity_one_request_until_its_deadline() {
    let cloud = FakeCloud::start().await;
    for host in [Host::Iam, Host::Metadata, Host::OAuth] {
        cloud.inject(host, Fault::hang());
    }
    let identities = Identities::of(&cloud);
    let builders = [
        CredentialCache::builder(identities.key()),
        CredentialCache::builder(identities.metadata()),
        CredentialCache::builder(identities.oauth(&cloud.oauth_token())),
        CredentialCache::builder(identities.workload()),
        CredentialCache::builder(identities.impersonation(Credential::iam_token("t1.canary").unwrap())),
    ];
    for builder in builders {
        cloud.clear_audit();
        let cache = builder.refresh(Refresh::new().deadline(Duration::from_millis(400))).build();
        cache.get().await.unwrap_err();
        assert_eq!(cloud.audit().len(), 1);
    }
}
