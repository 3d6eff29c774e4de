//! A request of the examples: it lists the executions of a workflow.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower::{BoxError, Layer, ServiceExt};
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthLayer, ExecutionOnly, HttpsTransport, Policy, TrustedOrigins};

/// Sends the request to the fake cloud, and prints the credential and the status of the response.
pub(crate) async fn list(auth: AuthLayer, cloud: &FakeCloud) -> Result<(), BoxError> {
    // The default policy, with loopback in place of the hosts of Yandex Cloud.
    let auth = auth.with_policy(TrustedOrigins::none().allow_loopback().and(ExecutionOnly));
    let credential = auth.cache().get().await?;
    println!("{} {}", credential.scheme(), credential.fingerprint());

    let url = cloud.workflows_url() + "/workflows/v1/execution?workflowId=dfqexampleworkflow00";
    let request = Request::get(url).body(Full::<Bytes>::default())?;
    let response = auth.layer(HttpsTransport::new()).oneshot(request).await?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("the fake cloud returned {status}").into());
    }
    println!("{status}");
    Ok(())
}
