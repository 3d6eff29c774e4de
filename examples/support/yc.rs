//! A stand-in for the `yc` CLI, whose endpoint is the metadata service of the fake cloud.

use std::env;

use jiff::Timestamp;
use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{CredentialCache, MetadataService};

/// The value of `--endpoint`: where the stand-in gets its token.
pub(crate) fn endpoint(cloud: &FakeCloud) -> String {
    cloud.metadata_url().replace("http://", "")
}

/// Whether this process was started as `yc iam create-token`.
pub(crate) fn is_asked() -> bool {
    env::args().any(|argument| argument == "create-token")
}

/// Prints what `yc iam create-token --format json --endpoint HOST:PORT` prints.
pub(crate) async fn print_token() -> Result<(), BoxError> {
    let endpoint = env::args().next_back().unwrap_or_default();
    let machine = MetadataService::new().with_endpoint(format!("http://{endpoint}"));
    let token = CredentialCache::new(machine).get().await?;
    let end = token.expires_at().ok_or("the token has no expiry")?;
    let json = serde_json::json!({
        "iam_token": token.expose_secret(),
        "expires_at": Timestamp::try_from(end)?.to_string(),
    });
    println!("{json}");
    Ok(())
}
