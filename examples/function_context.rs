//! The service account of a cloud function, by the context that its handler receives.
//!
//!     cargo run --example function_context --features full,testing

#[path = "support/executions.rs"]
mod executions;
#[path = "support/iam_token.rs"]
mod iam_token;

use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthLayer, Credential};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // In a handler, this is the JSON object that other languages call `context.token`.
    let cloud = FakeCloud::start().await;
    let context_token = serde_json::json!({
        "access_token": iam_token::issued_by(&cloud).await?,
        "expires_in": 43200,
        "token_type": "Bearer",
    })
    .to_string();

    // The layer is for this invocation. The next one has its own token.
    let auth = AuthLayer::new(Credential::from_function_context(&context_token)?);

    executions::list(auth, &cloud).await
}
