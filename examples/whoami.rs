//! Tries every source of the default chain and prints what each returns: a credential, or why it
//! was passed over.
//!
//!     cargo run --example whoami

use jiff::Timestamp;
use yandex_cloud_auth::{Credential, CredentialCache, default_chain};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (source, outcome) in default_chain().diagnose().await {
        match outcome {
            Ok(credential) => describe(source, credential).await?,
            Err(reason) if reason.is_not_configured() => {
                println!("{source} was passed over\n    {reason}")
            }
            Err(reason) => println!("{source} is configured and failed\n    {reason}"),
        }
    }
    Ok(())
}

async fn describe(source: &str, credential: Credential) -> Result<(), Box<dyn std::error::Error>> {
    // A source may know only the lifetime of its token. The cache turns that into a time.
    let credential = CredentialCache::new(credential).get().await?;
    println!("{source} returned a credential");
    println!("    scheme       {}", credential.scheme());
    println!("    fingerprint  {}", credential.fingerprint());
    match credential.expires_at() {
        Some(end) => println!("    expires      {}", Timestamp::try_from(end)?),
        None => println!("    expires      unknown"),
    }
    Ok(())
}
