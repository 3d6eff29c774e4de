//! The account that the `yc` CLI is logged in with: a Yandex, federated or local account.
//!
//!     yc init
//!     cargo run --example yc_cli --features exec

use yandex_cloud_auth::{CredentialCache, YcCli};

#[tokio::main]
async fn main() {
    // `AuthLayer::new` takes the same provider.
    let cache = CredentialCache::new(YcCli::new());
    match cache.get().await {
        Ok(token) => println!("{} {}", token.scheme(), token.fingerprint()),
        Err(error) => println!("{error}"),
    }
}
