//! reqwest-middleware.

mod support;

use reqwest_middleware::ClientWithMiddleware;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{Credential, CredentialCache, Denial};
use yandex_cloud_auth_reqwest_tests::authenticate;

use support::*;

fn client(cache: CredentialCache) -> ClientWithMiddleware {
    authenticate::client(cache, loopback()).unwrap()
}

#[test]
fn page_has_recipe() {
    assert!(PAGE.contains(include_str!("../src/authenticate.rs")));
}

#[tokio::test]
async fn rejected_token_is_replaced() {
    let cloud = FakeCloud::start().await;
    let (cache, clock) = cache(&cloud);
    revoke(&cloud, &cache, &clock).await;
    let (client, url) = (client(cache), cloud.workflows_url() + LIST);
    for expected in [401, 200] {
        let response = client.get(&url).send().await.unwrap();
        assert_eq!(response.status(), expected);
    }
}

#[tokio::test]
async fn policy_denies_what_key_may_not_do() {
    let cloud = FakeCloud::start().await;
    let key = Credential::api_key(cloud.api_key()).unwrap();
    let (client, url) = (client(CredentialCache::new(key)), cloud.workflows_url());
    let allowed = client.get(format!("{url}{LIST}")).send().await;
    assert_eq!(allowed.unwrap().status(), 200);

    let error = client
        .get(format!("{url}{WORKFLOW}"))
        .send()
        .await
        .unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else {
        panic!("{error}")
    };
    assert!(error.is::<Denial>(), "{error}");
    assert_eq!(received(&cloud), ["/workflows/v1/execution Api-Key"]);
}

#[tokio::test]
async fn redirect_goes_to_caller() {
    let cloud = FakeCloud::start().await;
    let key = Credential::api_key(cloud.api_key()).unwrap();
    let client = client(CredentialCache::new(key));
    redirect_to(&cloud, WORKFLOW);
    let response = client.get(cloud.workflows_url() + LIST).send().await;
    assert_eq!(response.unwrap().status(), 307);
    assert_eq!(received(&cloud), ["/workflows/v1/execution Api-Key"]);
}
