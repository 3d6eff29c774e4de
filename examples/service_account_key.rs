//! A service account with an authorized key.
//!
//!     cargo run --example service_account_key --features testing

use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{CredentialCache, ServiceAccountKey};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In the real cloud: `ServiceAccountKey::from_file("key.json")?`, without an endpoint.
    let cloud = FakeCloud::start().await;
    let key =
        ServiceAccountKey::from_json(cloud.service_account_key())?.with_endpoint(cloud.iam_url());

    // `AuthLayer::new` takes the same provider.
    let cache = CredentialCache::new(key);
    let token = cache.get().await?;
    println!("{} {}", token.scheme(), token.fingerprint());
    Ok(())
}
