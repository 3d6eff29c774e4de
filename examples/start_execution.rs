//! Starts an execution of a workflow in Yandex Cloud, and reads it until it ends.
//!
//!     YC_SERVICE_ACCOUNT_KEY_FILE=key.json WORKFLOW_ID=dfq… cargo run --example start_execution
//!
//! The service account needs the role `serverless.workflows.executor` on the folder of the
//! workflow. `yc iam key create --service-account-name … -o key.json` writes its key.

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
    let result = run(auth, URL, &workflow_id).await?;
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
