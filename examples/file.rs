//! An IAM token or an API key in a file that something else rotates, such as a mounted secret.
//!
//!     cargo run --example file

use yandex_cloud_auth::{CredentialCache, CredentialFile};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::temp_dir().join(format!("iam-token-{}", std::process::id()));
    std::fs::write(&path, "t1.example\n")?;

    // `AuthLayer::new` takes the same provider.
    let file = CredentialFile::iam_token(&path);
    let cache = CredentialCache::new(file);
    let token = cache.get().await?;
    println!("{} {}", token.scheme(), token.fingerprint());
    std::fs::remove_file(path)?;
    Ok(())
}
