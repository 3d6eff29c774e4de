//! An API key or an IAM token in an environment variable.
//!
//!     YC_API_KEY=AQVN… cargo run --example api_key --no-default-features

use yandex_cloud_auth::{CredentialCache, EnvCredential};

#[tokio::main]
async fn main() {
    // `AuthLayer::new` takes the same provider. For a key that is stored elsewhere, the provider is
    // `Credential::api_key(key)?`.
    let cache = CredentialCache::new(EnvCredential::new());
    match cache.get().await {
        Ok(key) => println!("{} {}", key.scheme(), key.fingerprint()),
        Err(error) => println!("{error}"),
    }
}
