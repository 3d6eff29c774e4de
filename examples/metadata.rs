//! The service account attached to a virtual machine, a function or a container.
//!
//!     cargo run --example metadata --features testing

use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{CredentialCache, MetadataService};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In the real cloud: `MetadataService::new()`, without an endpoint.
    let cloud = FakeCloud::start().await;
    let machine = MetadataService::new().with_endpoint(cloud.metadata_url());

    // `AuthLayer::new` takes the same provider.
    let cache = CredentialCache::new(machine);
    let token = cache.get().await?;
    println!("{} {}", token.scheme(), token.fingerprint());
    Ok(())
}
