//! Every network provider with a cloud on loopback.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use http::header::LOCATION;
use yandex_cloud_auth::testing::{ExpiresAt, FakeCloud, Fault, Host, ManualClock};
use yandex_cloud_auth::{
    Credential, CredentialCache, CredentialProvider, HttpsTransport, Impersonation,
    MetadataService, OAuthToken, ProviderError, Scheme, ServiceAccountKey, WorkloadIdentity,
};

/// All network providers, with one transport.
struct Identities<'a> {
    cloud: &'a FakeCloud,
    transport: HttpsTransport,
}

impl<'a> Identities<'a> {
    fn of(cloud: &'a FakeCloud) -> Self {
        Self {
            cloud,
            transport: HttpsTransport::new(),
        }
    }

    fn key(&self) -> ServiceAccountKey {
        let provider = ServiceAccountKey::from_json(self.cloud.service_account_key()).unwrap();
        provider
            .with_endpoint(self.cloud.iam_url())
            .with_transport(self.transport.clone())
    }

    fn metadata(&self) -> MetadataService {
        MetadataService::new()
            .with_endpoint(self.cloud.metadata_url())
            .with_transport(self.transport.clone())
    }

    fn oauth(&self, token: &str) -> OAuthToken {
        let provider = OAuthToken::new(token).unwrap();
        provider
            .with_endpoint(self.cloud.iam_url())
            .with_transport(self.transport.clone())
    }

    fn workload(&self) -> WorkloadIdentity {
        let subject_token = self.cloud.subject_token();
        let provider = WorkloadIdentity::from_fn(self.cloud.service_account_id(), move || {
            let subject_token = subject_token.clone();
            async { Ok(subject_token) }
        });
        provider
            .with_endpoint(self.cloud.oauth_url())
            .with_transport(self.transport.clone())
    }

    fn impersonation(&self, source: impl CredentialProvider) -> Impersonation {
        let provider = Impersonation::new(source, self.cloud.other_service_account_id());
        provider
            .with_endpoint(self.cloud.iam_url())
            .with_transport(self.transport.clone())
    }

    /// Each in a cache of its own, with the host that it uses.
    fn caches(
        &self,
        source: &Credential,
        clock: &ManualClock,
        deadline: Duration,
    ) -> [(Host, CredentialCache); 5] {
        let oauth = self.oauth(&self.cloud.oauth_token());
        [
            (Host::Iam, CredentialCache::builder(self.key())),
            (Host::Metadata, CredentialCache::builder(self.metadata())),
            (Host::Iam, CredentialCache::builder(oauth)),
            (Host::OAuth, CredentialCache::builder(self.workload())),
            (
                Host::Iam,
                CredentialCache::builder(self.impersonation(source.clone())),
            ),
        ]
        .map(|(host, cache)| {
            (
                host,
                cache.clock(clock.clone()).fetch_timeout(deadline).build(),
            )
        })
    }

    async fn fetch_each(&self) -> Vec<(Host, Result<Credential, ProviderError>)> {
        vec![
            (Host::Iam, self.key().fetch().await),
            (Host::Metadata, self.metadata().fetch().await),
            (
                Host::Iam,
                self.oauth(&self.cloud.oauth_token()).fetch().await,
            ),
            (Host::OAuth, self.workload().fetch().await),
        ]
    }
}

#[tokio::test]
async fn each_identity_fetches_token_with_one_request() {
    let cloud = FakeCloud::start().await;
    let identities = Identities::of(&cloud);
    for (_, outcome) in identities.fetch_each().await {
        let credential = outcome.unwrap();
        assert_eq!(credential.scheme(), Scheme::Bearer);

        // Only an accepted token can be exchanged for that of another account.
        let other = identities
            .impersonation(credential.clone())
            .fetch()
            .await
            .unwrap();
        assert_ne!(other.fingerprint(), credential.fingerprint());
    }
    assert_eq!(cloud.count(|request| request.host == Host::Iam), 2 + 4);
    assert_eq!(cloud.count(|request| request.host == Host::Metadata), 1);
    assert_eq!(cloud.count(|request| request.host == Host::OAuth), 1);
}

#[tokio::test]
async fn wrong_clock_costs_one_more_request() {
    let cloud = FakeCloud::start().await;
    let clocks: [fn(&FakeCloud, Duration); 2] =
        [FakeCloud::set_clock_ahead, FakeCloud::set_clock_behind];
    for set in clocks {
        set(&cloud, Duration::from_secs(3 * 3600));
        cloud.clear_audit();
        let cache = CredentialCache::new(Identities::of(&cloud).key());
        cache.get().await.unwrap();
        assert_eq!(cloud.count(|request| request.host == Host::Iam), 2);
        let left = cache
            .status()
            .expires_at()
            .unwrap()
            .duration_since(SystemTime::now())
            .unwrap();
        assert!((43_190..=43_200).contains(&left.as_secs()), "{left:?}");
    }
}

#[tokio::test]
async fn any_expiry_format_costs_one_request() {
    let cloud = FakeCloud::start().await;
    for (form, seconds) in [
        (ExpiresAt::Digits(9), 43_200),
        (ExpiresAt::Digits(0), 43_200),
        (ExpiresAt::Missing, 900),
        (ExpiresAt::Verbatim("soon".into()), 900),
        (ExpiresAt::Verbatim("99999-01-01T00:00:00Z".into()), 900),
    ] {
        cloud.set_expires_at(form.clone());
        cloud.clear_audit();
        let token = CredentialCache::new(Identities::of(&cloud).key())
            .get()
            .await
            .unwrap();
        let left = token
            .expires_at()
            .unwrap()
            .duration_since(SystemTime::now())
            .unwrap();
        assert!(
            (seconds - 10..=seconds).contains(&left.as_secs()),
            "{form:?}: {left:?}"
        );
        assert_eq!(cloud.audit().len(), 1);
    }
}

#[tokio::test]
async fn token_expired_on_arrival_is_transient() {
    let cloud = FakeCloud::start().await;
    let identities = Identities::of(&cloud);
    // Another account than that of the metadata service, which would return the token that the
    // account already has.
    let source = identities
        .oauth(&cloud.oauth_token())
        .fetch()
        .await
        .unwrap();
    cloud.set_token_lifetime(Duration::ZERO);
    // A clock that does not move would be behind an expiry that is computed later.
    let clock = ManualClock::new();
    clock.advance(Duration::from_secs(60));
    for (_, cache) in identities.caches(&source, &clock, Duration::from_secs(30)) {
        cloud.clear_audit();
        for _ in 0..10 {
            let error = cache.get().await.unwrap_err();
            assert!(
                error.is_transient() && error.to_string().contains("expired"),
                "{error}"
            );
        }
        assert_eq!(cloud.audit().len(), 1, "{cache:?}");
    }
}

#[tokio::test]
async fn rotated_key_needs_its_new_file() {
    let cloud = FakeCloud::start().await;
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("identities.json");
    fs::write(&path, cloud.service_account_key()).unwrap();
    let provider = ServiceAccountKey::from_file(&path)
        .unwrap()
        .with_endpoint(cloud.iam_url());
    provider.fetch().await.unwrap();

    cloud.rotate_service_account_key();
    let error = provider.fetch().await.unwrap_err();
    assert!(
        error.is_permanent()
            && error
                .to_string()
                .contains("was not found (code 16, request id "),
        "{error}"
    );

    fs::write(&path, cloud.service_account_key()).unwrap();
    provider.fetch().await.unwrap();
    fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn late_oauth_token_error_names_date() {
    let cloud = FakeCloud::start().await;
    // 2026-06-02.
    let late = cloud.issue_oauth_token(UNIX_EPOCH + Duration::from_secs(1_780_400_000));
    let error = Identities::of(&cloud)
        .oauth(&late)
        .fetch()
        .await
        .unwrap_err();
    assert!(
        error.is_permanent() && error.to_string().contains("issued from 2026-06-01 on"),
        "{error}"
    );
}

const ECHO: &str =
    r#"{"code":16,"message":"you sent t1.canary eyJcanary.a.b y0_canary","canary":"canary"}"#;

/// A fault, the fetch timeout, and whether the error is permanent. Faults with a response have as
/// much time as they need.
fn faults(trap: &str) -> Vec<(Fault, Duration, bool)> {
    let (ample, short) = (Duration::from_secs(30), Duration::from_millis(300));
    let elsewhere = HeaderValue::from_str(&format!("{trap}/canary?canary")).unwrap();
    vec![
        (Fault::hang(), short, false),
        (Fault::stall(), short, false),
        (Fault::endless(), ample, false),
        (Fault::cut_short(), ample, false),
        (Fault::hang_up(), ample, false),
        (Fault::garbage(), ample, false),
        (
            Fault::answer(
                200,
                "{\"iamToken\":\"canary\\n\",\"access_token\":\"canary\\u0000\"}",
            ),
            ample,
            false,
        ),
        (Fault::answer(401, ECHO), ample, true),
        (Fault::answer(500, ECHO), ample, false),
        (Fault::status(302).header(LOCATION, elsewhere), ample, true),
        (Fault::status(429), ample, false),
        (Fault::status(503), ample, false),
    ]
}

#[tokio::test]
async fn faults_end_at_timeout_and_heal() {
    let cloud = FakeCloud::start().await;
    let identities = Identities::of(&cloud);
    let source = identities.key().fetch().await.unwrap();
    let secrets = [
        cloud.oauth_token(),
        cloud.subject_token(),
        bearer(&source).to_owned(),
        "canary".to_owned(),
    ];
    for (fault, deadline, permanent) in faults(&cloud.url(Host::Discovery)) {
        let clock = ManualClock::new();
        for (host, cache) in identities.caches(&source, &clock, deadline) {
            let case = format!("{fault:?} of {cache:?}");
            cloud.clear_audit();
            cloud.inject(host, fault.clone());
            let error = cache.get().await.unwrap_err();
            // A metadata service that has never responded may not exist.
            let absent = host == Host::Metadata && error.is_not_configured();
            assert!(
                absent || error.is_permanent() == permanent,
                "{case}: {error}"
            );
            let shown = format!("{error} {error:?} {:?}", cache.status());
            assert!(
                !secrets.iter().any(|secret| shown.contains(secret)) && !shown.contains("doctype"),
                "{shown}"
            );

            // During the cool-down no request is sent. After it a healthy server is used.
            cloud.heal(host);
            cache.get().await.unwrap_err();
            assert_eq!(cloud.audit().len(), 1, "{case}");
            clock.advance(Duration::from_secs(60));
            cache.get().await.unwrap();
            assert_eq!(cloud.count(|request| request.host == host), 2, "{case}");
            assert_eq!(
                cloud.count(|request| request.host == Host::Discovery),
                0,
                "{case}"
            );
        }
    }
}

fn bearer(credential: &Credential) -> &str {
    credential
        .header_value()
        .to_str()
        .unwrap()
        .strip_prefix("Bearer ")
        .unwrap()
}

#[tokio::test]
async fn name_has_endpoint() {
    let cloud = FakeCloud::start().await;
    let all = Identities::of(&cloud);
    let token = Credential::iam_token("t1.canary").unwrap();
    let named = |name: &str, url: String| format!("{name} ({url})");
    assert_eq!(
        all.key().name(),
        named("service account key", cloud.iam_url())
    );
    assert_eq!(
        all.metadata().name(),
        named("metadata service", cloud.metadata_url())
    );
    assert_eq!(
        all.oauth("y0_canary").name(),
        named("OAuth token", cloud.iam_url())
    );
    assert_eq!(
        all.workload().name(),
        named("workload identity", cloud.oauth_url())
    );
    assert_eq!(
        all.impersonation(token).name(),
        named("impersonation", cloud.iam_url())
    );
    assert_eq!(
        all.key().with_endpoint("https://u:canary@host").name(),
        "service account key"
    );
}

#[tokio::test]
async fn missing_role_is_named() {
    let cloud = FakeCloud::start().await;
    cloud.allow_impersonation(false);
    let identities = Identities::of(&cloud);
    let error = identities
        .impersonation(identities.key())
        .fetch()
        .await
        .unwrap_err();
    assert!(
        error.is_permanent()
            && error
                .to_string()
                .contains("iam.serviceAccounts.tokenCreator"),
        "{error}"
    );
}
