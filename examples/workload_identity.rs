//! A service account, by the token that Kubernetes, GitHub or GitLab gives this workload.
//!
//!     cargo run --example workload_identity --features full,testing

#[path = "support/executions.rs"]
mod executions;

use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthLayer, WorkloadIdentity};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // In the real cloud: `WorkloadIdentity::from_file("aje…", "/var/run/secrets/tokens/yandex")`,
    // without an endpoint.
    let cloud = FakeCloud::start().await;
    let subject_token = cloud.subject_token();
    let workload = WorkloadIdentity::from_fn(cloud.service_account_id(), move || {
        let subject_token = subject_token.clone();
        async { Ok(subject_token) }
    });
    let auth = AuthLayer::new(workload.with_endpoint(cloud.oauth_url()));

    executions::list(auth, &cloud).await
}
