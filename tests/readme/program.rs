use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt};
use yandex_cloud_auth::{AuthLayer, HttpsTransport, ServiceAccountKey};
#[tokio::main]
async fn main() -> Result<(), tower::BoxError> {
    let auth = AuthLayer::new(ServiceAccountKey::from_file("key.json")?);
    let url = "https://serverless-workflows.api.cloud.yandex.net/workflows/v1/execution?workflowId=dfq...";
    let request = http::Request::get(url).body(Full::default())?;
    let response = auth.layer(HttpsTransport::new()).oneshot(request).await?;
    println!("{:?}", response.into_body().collect().await?.to_bytes());
    Ok(())
}
