//! Who is this program to Yandex Cloud? Asks every source of the default chain and tells what each has to say.
//!
//!     cargo run --example whoami

use jiff::Timestamp;
use yandex_cloud_auth::{CredentialCache, default_chain};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (source, outcome) in default_chain().explain().await {
        match outcome {
            Ok(credential) => {
                println!("{source} answered");
                // A cache tells the end of a token whose source says only how long it lives.
                let cache = CredentialCache::new(credential.clone());
                cache.get().await?;
                let end = cache.status().expires_at().map(Timestamp::try_from).transpose()?;
                println!("    scheme       {}", credential.scheme());
                println!("    fingerprint  {}", credential.fingerprint());
                println!("    expires      {}", end.map_or_else(|| "it does not tell".into(), |end| end.to_string()));
            }
            Err(reason) if reason.is_not_configured() => println!("{source} was passed over\n    {reason}"),
            Err(reason) => println!("{source} is configured and failed, so nothing after it was asked\n    {reason}"),
        }
    }
    Ok(())
}
