//! A token that a program prints.
//!
//!     cargo run --example exec --features exec

use yandex_cloud_auth::{CredentialCache, Exec};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Such as `Exec::new("vault").args(["read", "-field=token", "yandex/token"])`.
    let program = Exec::new("echo").args(["t1.example"]);

    // Or `AuthLayer::new(program)`, around any tower service.
    let cache = CredentialCache::new(program);
    let token = cache.get().await?;
    println!("{} {}", token.scheme(), token.fingerprint());
    Ok(())
}
