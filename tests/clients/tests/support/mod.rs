//! The page, and the cache of the service account of the fake cloud.
#![allow(dead_code, reason = "each test file uses a part of it")]

use yandex_cloud_auth::testing::{FakeCloud, Host, Received};
use yandex_cloud_auth::{CredentialCache, CredentialCacheBuilder, ServiceAccountKey};

pub const PAGE: &str = include_str!("../../../../src/docs/clients.md");

pub fn cache(cloud: &FakeCloud) -> CredentialCache {
    builder(cloud).build()
}

pub fn builder(cloud: &FakeCloud) -> CredentialCacheBuilder {
    let account = ServiceAccountKey::from_json(cloud.service_account_key()).unwrap();
    CredentialCache::builder(account.with_endpoint(cloud.iam_url()))
}

/// The only request that `host` received.
pub fn received(cloud: &FakeCloud, host: Host) -> Received {
    let requests: Vec<_> = cloud
        .audit()
        .into_iter()
        .filter(|request| request.host == host)
        .collect();
    let [request] = &requests[..] else {
        panic!("not one request: {requests:?}");
    };
    request.clone()
}
