//! Starts an execution of a workflow in Yandex Cloud, and reads it until it ends.
//!
//!     YC_SERVICE_ACCOUNT_KEY_FILE=key.json WORKFLOW_ID=dfq… cargo run --example start_execution
//!
//! The service account needs the role `serverless.workflows.executor` on the folder of the
//! workflow. `yc iam key create --service-account-name … -o key.json` writes its key. Without the
//! variables, it runs against the fake cloud:
//!
//!     cargo run --example start_execution --features full,testing

use std::env;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{BoxError, ServiceBuilder, ServiceExt};
use yandex_cloud_auth::{AuthLayer, HttpsTransport, Policy, ServiceAccountKey};

const URL: &str = "https://serverless-workflows.api.cloud.yandex.net";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let key_file = env::var("YC_SERVICE_ACCOUNT_KEY_FILE").ok();
    let workflow_id = env::var("WORKFLOW_ID").ok();
    let result = match (key_file, workflow_id) {
        (Some(key_file), Some(workflow_id)) => {
            let auth = AuthLayer::new(ServiceAccountKey::from_file(key_file)?);
            run(auth, URL, &workflow_id).await?
        }
        (None, None) => no_variables::run().await?,
        _ => return Err("set both YC_SERVICE_ACCOUNT_KEY_FILE and WORKFLOW_ID".into()),
    };
    println!("result    {result}");
    Ok(())
}

/// Starts an execution and returns its result.
pub(crate) async fn run<P>(
    auth: AuthLayer<P>,
    url: &str,
    workflow_id: &str,
) -> Result<String, BoxError>
where
    P: Policy + Clone,
{
    let input = json!({ "greeting": "hello" }).to_string();
    let start = json!({ "workflowId": workflow_id, "input": { "inputJson": input } });
    let start = Request::post(format!("{url}/workflows/v1/execution/start"))
        .header("content-type", "application/json")
        .body(Full::from(start.to_string()))?;
    let started = send(&auth, start).await?;
    let id = started["executionId"].as_str().ok_or("no execution id")?;
    println!("started   {id}");

    loop {
        let get =
            Request::get(format!("{url}/workflows/v1/execution/{id}")).body(Full::default())?;
        let response = send(&auth, get).await?;
        let execution = &response["execution"];
        let status = execution["status"].as_str().unwrap_or_default();
        println!("status    {status}");
        match status {
            "FINISHED" => return Ok(text(&execution["result"]["resultJson"])),
            "FAILED" | "STOPPED" => return Err(text(&execution["error"]["message"]).into()),
            _ => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    }
}

/// Sends a request and reads the response.
async fn send<P>(auth: &AuthLayer<P>, request: Request<Full<Bytes>>) -> Result<Value, BoxError>
where
    P: Policy + Clone,
{
    let client = ServiceBuilder::new()
        .timeout(Duration::from_secs(10))
        .layer(auth)
        .service(HttpsTransport::new());
    let target = request.uri().path().to_owned();
    let response = client.oneshot(request).await?;
    if !response.status().is_success() {
        return Err(format!("{target} returned {}", response.status()).into());
    }
    let body = response.into_body().collect().await?.to_bytes();
    Ok(serde_json::from_slice(&body)?)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Without the two variables, a workflow of the fake cloud.
#[cfg(feature = "testing")]
mod no_variables {
    use tower::BoxError;
    use yandex_cloud_auth::testing::FakeCloud;
    use yandex_cloud_auth::{AuthLayer, ExecutionOnly, Policy, ServiceAccountKey, TrustedOrigins};

    pub(super) async fn run() -> Result<String, BoxError> {
        let cloud = FakeCloud::start().await;
        let key = ServiceAccountKey::from_json(cloud.service_account_key())?
            .with_endpoint(cloud.iam_url());
        let loopback_only = TrustedOrigins::none().allow_loopback().and(ExecutionOnly);
        let auth = AuthLayer::new(key).with_policy(loopback_only);
        super::run(auth, &cloud.workflows_url(), "dfqexampleworkflow00").await
    }
}

/// Without the two variables and without the fake cloud, an error.
#[cfg(not(feature = "testing"))]
mod no_variables {
    pub(super) async fn run() -> Result<String, tower::BoxError> {
        Err(
            "set YC_SERVICE_ACCOUNT_KEY_FILE and WORKFLOW_ID; see the first lines of this file"
                .into(),
        )
    }
}
