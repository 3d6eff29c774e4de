//! A program in another region: the region's domain in `YC_ENDPOINT`, and a key file.

use std::env;
use std::fs;
use std::process::Command;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tower::util::MapRequestLayer;
use tower::{Layer, ServiceBuilder, ServiceExt};
use yandex_cloud_auth::testing::{FakeCloud, Host};
use yandex_cloud_auth::{AuthLayer, HttpsTransport, Region, default_chain_with};

use crate::support::LIST;

const TEST: &str = "region::program_lists_executions_of_kazakhstan";

/// The hosts of the region, and the variables that hold the addresses of their fakes.
const HOSTS: [(&str, &str); 2] = [
    ("iam.api.yandexcloud.kz", "FAKE_IAM"),
    ("serverless-workflows.api.yandexcloud.kz", "FAKE_WORKFLOWS"),
];

/// Runs the program below in an environment of its own.
fn run(cloud: &FakeCloud, endpoint: Option<&str>) -> (bool, String) {
    let name = format!("yandex-cloud-auth-{}.json", cloud.service_account_id());
    let key = env::temp_dir().join(name);
    fs::write(&key, cloud.service_account_key()).unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", TEST, "--ignored", "--nocapture"])
        .env_clear()
        .env("YC_SERVICE_ACCOUNT_KEY_FILE", &key)
        .env("FAKE_IAM", cloud.iam_url())
        .env("FAKE_WORKFLOWS", cloud.workflows_url())
        .envs(endpoint.map(|domain| ("YC_ENDPOINT", domain)))
        .output()
        .unwrap();
    fs::remove_file(&key).unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("running 1 test"), "{text}");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned() + &text,
    )
}

#[tokio::test]
async fn endpoint_variable_and_key_file_suffice() {
    let cloud = FakeCloud::start().await;
    cloud.set_region(&Region::kazakhstan());
    let (succeeded, text) = run(&cloud, Some("api.yandexcloud.kz"));
    assert!(succeeded, "{text}");
    let ok = Some(StatusCode::OK);
    let statuses: Vec<_> = cloud
        .audit()
        .iter()
        .map(|request| (request.host, request.status))
        .collect();
    assert_eq!(statuses, [(Host::Iam, ok), (Host::Workflows, ok)]);
}

#[tokio::test]
async fn without_endpoint_variable_no_credential_leaves() {
    let cloud = FakeCloud::start().await;
    let (succeeded, text) = run(&cloud, None);
    assert!(!succeeded);
    assert!(
        text.contains("go only to trusted origins: GET serverless-workflows.api.yandexcloud.kz/"),
        "{text}"
    );
    assert!(cloud.audit().is_empty());
}

#[tokio::test]
async fn region_accepts_its_own_audience_only() {
    let cloud = FakeCloud::start().await;
    cloud.set_region(&Region::at("api.example.net").unwrap());
    let (succeeded, text) = run(&cloud, Some("api.yandexcloud.kz"));
    assert!(!succeeded);
    assert!(
        text.contains("aud is not the address of the token method"),
        "{text}"
    );
}

#[tokio::test]
#[ignore = "run by the others with its own environment"]
async fn program_lists_executions_of_kazakhstan() {
    let network = MapRequestLayer::new(to_fake).layer(HttpsTransport::new());
    let auth = AuthLayer::new(default_chain_with(network.clone()));
    let url = format!("https://serverless-workflows.api.yandexcloud.kz{LIST}");
    let request = Request::get(url).body(Full::<Bytes>::default()).unwrap();
    let client = ServiceBuilder::new().layer(auth).service(network);
    let response = client
        .oneshot(request)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(response.status(), 200);
}

/// What the network does: the name of a host becomes an address.
fn to_fake(request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    let (mut parts, body) = request.into_parts();
    let host = parts.uri.host().unwrap_or_default();
    let (_, variable) = HOSTS.iter().find(|(name, _)| *name == host).expect(host);
    let path = parts.uri.path_and_query().unwrap();
    parts.uri = format!("{}{path}", env::var(variable).unwrap())
        .parse()
        .unwrap();
    Request::from_parts(parts, body)
}
