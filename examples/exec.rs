//! An IAM token that a program prints.
//!
//!     cargo run --example exec --features full,testing

#[path = "support/executions.rs"]
mod executions;
#[path = "support/iam_token.rs"]
mod iam_token;

use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthLayer, Exec};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // In the real cloud: for example
    // `Exec::new("vault").args(["read", "-field=token", "yandex/token"])`.
    let cloud = FakeCloud::start().await;
    let program = Exec::new("echo").args([iam_token::issued_by(&cloud).await?]);
    let auth = AuthLayer::new(program);

    executions::list(auth, &cloud).await
}
