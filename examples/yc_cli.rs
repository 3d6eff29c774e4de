//! Yourself, as the `yc` CLI is logged in: a Yandex, federated or local account.
//!
//!     yc init
//!     cargo run --example yc_cli --features exec

use yandex_cloud_auth::{CredentialCache, YcCli};

#[tokio::main]
async fn main() {
    // Or `AuthLayer::new(YcCli::new())`, around any tower service.
    let cache = CredentialCache::new(YcCli::new());
    match cache.get().await {
        Ok(token) => println!("{} {}", token.scheme(), token.fingerprint()),
        Err(error) => println!("{error}"),
    }
}
