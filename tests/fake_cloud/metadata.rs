//! The metadata service of a virtual machine.

use std::time::Duration;

use http::header::HeaderName;
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host, ManualClock};

use crate::client::*;

const FLAVOR: HeaderName = HeaderName::from_static("metadata-flavor");

fn call(cloud: &FakeCloud) -> Call {
    Call::get(
        &(cloud.metadata_url() + "/computeMetadata/v1/instance/service-accounts/default/token"),
    )
}

#[tokio::test]
async fn machine_gets_token_with_remaining_seconds() {
    let (cloud, clock) = (FakeCloud::start().await, ManualClock::new());
    cloud.set_clock(clock.clone());
    let first = call(&cloud).header(FLAVOR, "Google").send().await.json();
    assert_eq!(
        (&first["expires_in"], &first["token_type"]),
        (&43_200.into(), &"Bearer".into())
    );
    clock.advance(HOUR);
    let second = call(&cloud).header(FLAVOR, "Google").send().await.json();
    assert_eq!(
        second["access_token"], first["access_token"],
        "the service reuses its token"
    );
    assert_eq!(second["expires_in"], 39_600);
    get_workflow(&cloud)
        .bearer(first["access_token"].as_str().unwrap())
        .send()
        .await;
    assert_eq!(
        cloud.audit().pop().unwrap().account,
        Some(cloud.service_account_id())
    );
}

#[tokio::test]
async fn expires_in_is_remaining_lifetime() {
    let cloud = FakeCloud::start().await;
    cloud.set_clock(ManualClock::new());
    cloud.set_token_lifetime(Duration::from_secs(37));
    assert_eq!(
        call(&cloud).header(FLAVOR, "Google").send().await.json()["expires_in"],
        37
    );
}

#[tokio::test]
async fn request_without_flavor_is_rejected() {
    let cloud = FakeCloud::start().await;
    assert_eq!(call(&cloud).send().await.status, 403);
    assert_eq!(
        call(&cloud).header(FLAVOR, "Vanilla").send().await.status,
        403
    );
}

#[tokio::test]
async fn machine_without_account_or_access_is_rejected() {
    let cloud = FakeCloud::start().await;
    for status in [404, 400] {
        cloud.inject(Host::Metadata, Fault::status(status).times(1));
        let response = call(&cloud).header(FLAVOR, "Google").send().await;
        assert_eq!(response.status, status);
        assert!(
            response.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/plain")
        );
    }
    assert_eq!(
        call(&cloud).header(FLAVOR, "Google").send().await.status,
        200
    );
}
