//! The OAuth token of a Yandex account. Yandex deprecates these: IAM rejects tokens that were
//! issued on 2026-06-01 or later.
//!
//!     cargo run --example oauth --features full,testing

#[path = "support/executions.rs"]
mod executions;

use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthLayer, OAuthToken};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // In the real cloud: `OAuthToken::new("y0_…")?`, without an endpoint.
    let cloud = FakeCloud::start().await;
    let account = OAuthToken::new(cloud.oauth_token())?.with_endpoint(cloud.iam_url());
    let auth = AuthLayer::new(account);

    executions::list(auth, &cloud).await
}
