//! reqwest, with the header of a credential from the cache.

mod support;

use std::time::Duration;

use yandex_cloud_auth::testing::{FakeCloud, Host, ManualClock};
use yandex_cloud_auth_clients_tests::reqwest::get;

use support::*;

#[test]
fn page_has_recipe() {
    assert!(PAGE.contains(include_str!("../src/reqwest.rs")));
}

#[tokio::test]
async fn rejected_token_is_replaced() {
    let cloud = FakeCloud::start().await;
    let clock = ManualClock::new();
    cloud.set_clock(clock.clone());
    let cache = builder(&cloud).clock(clock.clone()).build();
    cache.get().await.unwrap();
    clock.advance(Duration::from_secs(60));
    cloud.revoke_all();

    let client = reqwest::Client::new();
    let url = cloud.workflows_url() + "/workflows/v1/execution?workflowId=dfq1";
    let rejected = get(&client, &cache, &url).await.unwrap();
    assert_eq!(rejected.status(), 401);
    let accepted = get(&client, &cache, &url).await.unwrap();
    assert_eq!(accepted.status(), 200);
    assert_eq!(cloud.count(|request| request.host == Host::Iam), 2);
}
