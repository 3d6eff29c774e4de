//! An API key, or an IAM token, in the environment.
//!
//!     YC_API_KEY=AQVN… cargo run --example api_key --no-default-features

use yandex_cloud_auth::{CredentialCache, EnvCredential};

#[tokio::main]
async fn main() {
    // Or `AuthLayer::new(EnvCredential::new())`, around any tower service. A key from elsewhere:
    // `Credential::api_key(key)?`.
    let cache = CredentialCache::new(EnvCredential::new());
    match cache.get().await {
        Ok(key) => println!("{} {}", key.scheme(), key.fingerprint()),
        Err(error) => println!("{error}"),
    }
}
