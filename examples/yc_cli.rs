//! The account that the `yc` CLI is logged in with: a Yandex, federated or local account.
//!
//!     cargo run --example yc_cli --features full,testing

#[path = "support/executions.rs"]
mod executions;
#[path = "support/yc.rs"]
mod yc;

use std::env;

use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthLayer, YcCli};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    if yc::is_asked() {
        return yc::print_token().await;
    }
    let cloud = FakeCloud::start().await;

    // In the real cloud, after `yc init`: `YcCli::new()` alone. Here, this program is started again
    // in place of `yc`.
    let me = YcCli::new()
        .with_program(env::current_exe()?)
        .with_endpoint(yc::endpoint(&cloud));
    let auth = AuthLayer::new(me);

    executions::list(auth, &cloud).await
}
