//! A service account with an authorized key.
//!
//!     cargo run --example service_account_key --features full,testing

#[path = "support/executions.rs"]
mod executions;

use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthLayer, ServiceAccountKey};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // In the real cloud: `ServiceAccountKey::from_file("key.json")?`, without an endpoint.
    let cloud = FakeCloud::start().await;
    let key =
        ServiceAccountKey::from_json(cloud.service_account_key())?.with_endpoint(cloud.iam_url());
    let auth = AuthLayer::new(key);

    executions::list(auth, &cloud).await
}
