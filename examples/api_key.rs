//! An API key in an environment variable.
//!
//!     cargo run --example api_key --features full,testing

#[path = "support/executions.rs"]
mod executions;

use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthLayer, EnvCredential};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // In the real cloud: `EnvCredential::new()`, which reads the variable `YC_API_KEY`. For a key
    // that is stored elsewhere: `Credential::api_key(key)?`.
    let cloud = FakeCloud::start().await;
    let key = cloud.api_key();
    let variable =
        EnvCredential::with_lookup(move |name| (name == "YC_API_KEY").then(|| key.clone()));
    let auth = AuthLayer::new(variable);

    executions::list(auth, &cloud).await
}
