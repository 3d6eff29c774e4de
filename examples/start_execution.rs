//! Starts an execution of a workflow in Yandex Cloud by REST, and reads it by gRPC until it ends.
//!
//!     YC_SERVICE_ACCOUNT_KEY_FILE=key.json WORKFLOW_ID=dfq… \
//!         cargo run --example start_execution --features testing
//!
//! The service account needs the role `serverless.workflows.executor` on the folder of the
//! workflow. `yc iam key create --service-account-name … -o key.json` writes its key. The feature
//! `testing` is needed for the gRPC messages only.

#[path = "support/workflows.rs"]
mod workflows;

use std::env;
use std::time::Duration;

use tower::BoxError;
use yandex_cloud_auth::testing::proto::ExecutionStatus;
use yandex_cloud_auth::{AuthLayer, ServiceAccountKey};

use workflows::Workflows;

const REST_URL: &str = "https://serverless-workflows.api.cloud.yandex.net";
const GRPC_URL: &str = "https://serverless-workflows.api.cloud.yandex.net:443";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (Ok(key_file), Ok(workflow_id)) = (
        env::var("YC_SERVICE_ACCOUNT_KEY_FILE"),
        env::var("WORKFLOW_ID"),
    ) else {
        return Err(
            "set YC_SERVICE_ACCOUNT_KEY_FILE and WORKFLOW_ID; see the first lines of this file"
                .into(),
        );
    };
    let auth = AuthLayer::new(ServiceAccountKey::from_file(key_file)?);
    let workflows = Workflows::new(auth, REST_URL, GRPC_URL)?;

    let id = workflows
        .start(&workflow_id, &serde_json::json!({ "greeting": "hello" }))
        .await?;
    println!("started   {id}");
    loop {
        let execution = workflows.execution(&id).await?;
        println!("status    {:?}", execution.status());
        match execution.status() {
            ExecutionStatus::Finished => {
                println!(
                    "result    {}",
                    execution
                        .result
                        .and_then(|result| result.result_json)
                        .unwrap_or_default()
                );
                return Ok(());
            }
            ExecutionStatus::Failed | ExecutionStatus::Stopped => {
                return Err(execution
                    .error
                    .map_or_else(|| "no error message".into(), |error| error.message.into()));
            }
            _ => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    }
}
