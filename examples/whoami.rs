//! Tries every source of the default chain and prints what each returns: a credential, or why it
//! was passed over. Then it does the same on a machine of the fake cloud.
//!
//!     cargo run --example whoami --features full,testing

#[path = "support/executions.rs"]
mod executions;

use jiff::Timestamp;
use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{
    AuthLayer, Chain, Credential, CredentialCache, EnvCredential, MetadataService, default_chain,
};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("on this machine:");
    diagnose(&default_chain()).await?;

    println!("\non a machine of the fake cloud, without variables:");
    let cloud = FakeCloud::start().await;
    let chain = Chain::new()
        .or(EnvCredential::with_lookup(|_| None))
        .or(MetadataService::new().with_endpoint(cloud.metadata_url()));
    diagnose(&chain).await?;
    executions::list(AuthLayer::new(chain), &cloud).await
}

async fn diagnose(chain: &Chain) -> Result<(), BoxError> {
    for (source, outcome) in chain.diagnose().await {
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

async fn describe(source: &str, credential: Credential) -> Result<(), BoxError> {
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
