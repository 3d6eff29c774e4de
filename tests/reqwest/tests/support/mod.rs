//! Layers and requests of these tests.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::time::Duration;

use http::Request;
use http::header::LOCATION;
use reqwest::Body;
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host, ManualClock};
use yandex_cloud_auth::{
    And, AuthLayer, Credential, CredentialCache, ExecutionOnly, ServiceAccountKey, TrustedOrigins,
};

pub const PAGE: &str = include_str!("../../../../src/docs/stacks.md");
pub const LIST: &str = "/workflows/v1/execution?workflowId=dfq1";
/// A path that the policy denies to API keys.
pub const WORKFLOW: &str = "/workflows/v1/workflow/dfq1";

/// The default policy, with loopback in place of the hosts of the cloud.
pub type Loopback = And<TrustedOrigins, ExecutionOnly>;

pub fn loopback() -> Loopback {
    TrustedOrigins::none().allow_loopback().and(ExecutionOnly)
}

use yandex_cloud_auth::Policy as _;

pub fn with_api_key(cloud: &FakeCloud) -> AuthLayer<Loopback> {
    let key = Credential::api_key(cloud.api_key()).unwrap();
    AuthLayer::new(key).with_policy(loopback())
}

/// The cache of the service account of the cloud, and the clock of both.
pub fn cache(cloud: &FakeCloud) -> (CredentialCache, ManualClock) {
    let clock = ManualClock::new();
    cloud.set_clock(clock.clone());
    let account = ServiceAccountKey::from_json(cloud.service_account_key()).unwrap();
    let cache = CredentialCache::builder(account.with_endpoint(cloud.iam_url()))
        .clock(clock.clone())
        .build();
    (cache, clock)
}

/// The cached token is old enough to be dropped, and the cloud rejects it.
pub async fn revoke(cloud: &FakeCloud, cache: &CredentialCache, clock: &ManualClock) {
    cache.get().await.unwrap();
    clock.advance(Duration::from_secs(60));
    cloud.revoke_all();
}

pub fn request(url: String) -> Request<Body> {
    Request::get(url).body(Body::default()).unwrap()
}

/// The next request to Workflows is redirected.
pub fn redirect_to(cloud: &FakeCloud, url: &str) {
    let redirect = Fault::status(307).header(LOCATION, url.parse().unwrap());
    cloud.inject(Host::Workflows, redirect.times(1));
}

/// The path of each request to Workflows, with the scheme of its credential.
pub fn received(cloud: &FakeCloud) -> Vec<String> {
    let audit = cloud.audit().into_iter();
    let audit = audit.filter(|request| request.host == Host::Workflows);
    audit
        .map(|request| match request.scheme {
            Some(scheme) => format!("{} {}", request.path, scheme.as_str()),
            None => format!("{} -", request.path),
        })
        .collect()
}
