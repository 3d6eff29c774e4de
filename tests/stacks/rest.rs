//! The program that starts an execution by REST, against the fake cloud.

use yandex_cloud_auth::ServiceAccountKey;
use yandex_cloud_auth::testing::{FakeCloud, Host};

use crate::client::layer;
use crate::start_execution::run;

#[tokio::test]
async fn execution_is_started_and_read() {
    let cloud = FakeCloud::start().await;
    let account = ServiceAccountKey::from_json(cloud.service_account_key()).unwrap();
    let auth = layer(account.with_endpoint(cloud.iam_url()));
    let result = run(auth, &cloud.workflows_url(), "dfq1").await.unwrap();
    assert_eq!(result, r#"{"greeting":"hello"}"#);
    assert_eq!(cloud.count(|request| request.host == Host::Iam), 1);
}
