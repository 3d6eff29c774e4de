//! The service account attached to a virtual machine, a function or a container.
//!
//!     cargo run --example metadata --features full,testing

#[path = "support/executions.rs"]
mod executions;

use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthLayer, MetadataService};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // In the real cloud: `MetadataService::new()`, without an endpoint.
    let cloud = FakeCloud::start().await;
    let machine = MetadataService::new().with_endpoint(cloud.metadata_url());
    let auth = AuthLayer::new(machine);

    executions::list(auth, &cloud).await
}
