//! The OAuth token of a Yandex account. Yandex deprecates these: IAM rejects tokens that were
//! issued on 2026-06-01 or later.
//!
//!     cargo run --example oauth --features testing,oauth

use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{CredentialCache, OAuthToken};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In the real cloud: `OAuthToken::new("y0_…")?`, without an endpoint.
    let cloud = FakeCloud::start().await;
    let account = OAuthToken::new(cloud.oauth_token())?.with_endpoint(cloud.iam_url());

    // `AuthLayer::new` takes the same provider.
    let cache = CredentialCache::new(account);
    let token = cache.get().await?;
    println!("{} {}", token.scheme(), token.fingerprint());
    Ok(())
}
