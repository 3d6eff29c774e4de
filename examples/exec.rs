//! An IAM token that a program prints.
//!
//!     cargo run --example exec --features exec

use yandex_cloud_auth::{CredentialCache, Exec};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // For example `Exec::new("vault").args(["read", "-field=token", "yandex/token"])`.
    let program = Exec::new("echo").args(["t1.example"]);

    // `AuthLayer::new` takes the same provider.
    let cache = CredentialCache::new(program);
    let token = cache.get().await?;
    println!("{} {}", token.scheme(), token.fingerprint());
    Ok(())
}
