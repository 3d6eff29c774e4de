//! A service account, by another identity with the role `iam.serviceAccounts.tokenCreator` on it.
//!
//!     cargo run --example impersonation --features full,testing

#[path = "support/executions.rs"]
mod executions;

use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthLayer, Impersonation, ServiceAccountKey};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // In the real cloud: `Impersonation::new(default_chain(), "aje…")`, without an endpoint.
    let cloud = FakeCloud::start().await;
    let source =
        ServiceAccountKey::from_json(cloud.service_account_key())?.with_endpoint(cloud.iam_url());
    let impersonation =
        Impersonation::new(source, cloud.other_service_account_id()).with_endpoint(cloud.iam_url());
    let auth = AuthLayer::new(impersonation);

    executions::list(auth, &cloud).await
}
