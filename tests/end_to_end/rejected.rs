//! A token that the cloud rejects is dropped and replaced.

use std::time::Duration;

use tonic::Code;
use yandex_cloud_auth::CacheState;
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host};

use crate::support::*;

/// The age from which a rejected token is dropped.
const MIN_AGE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn revoked_token_costs_one_rest_request() {
    let cloud = FakeCloud::start().await;
    let (auth, clock) = on_one_clock(&cloud);
    assert_eq!(list(&auth, &cloud).await.unwrap(), 200);
    clock.advance(MIN_AGE);
    cloud.revoke_all();
    assert_eq!(
        list(&auth, &cloud).await.unwrap(),
        401,
        "the caller gets the response"
    );
    assert_eq!(auth.cache().status().state(), CacheState::Empty);
    assert_eq!(list(&auth, &cloud).await.unwrap(), 200);
    assert_eq!(iam_calls(&cloud), 2);
}

#[tokio::test]
async fn revoked_token_costs_one_grpc_call() {
    let cloud = FakeCloud::start().await;
    let (auth, clock) = on_one_clock(&cloud);
    list_grpc(&auth, &cloud).await.unwrap();
    clock.advance(MIN_AGE);
    cloud.revoke_all();
    assert_eq!(
        list_grpc(&auth, &cloud).await.unwrap_err().code(),
        Code::Unauthenticated
    );
    assert_eq!(auth.cache().status().state(), CacheState::Empty);
    list_grpc(&auth, &cloud).await.unwrap();
    assert_eq!(iam_calls(&cloud), 2);
}

#[tokio::test]
async fn new_token_is_not_dropped_when_rejected() {
    let cloud = FakeCloud::start().await;
    let (auth, clock) = on_one_clock(&cloud);
    assert_eq!(list(&auth, &cloud).await.unwrap(), 200);
    clock.advance(MIN_AGE - Duration::from_millis(1));
    cloud.revoke_all();
    for _ in 0..3 {
        assert_eq!(list(&auth, &cloud).await.unwrap(), 401);
        assert_eq!(
            list_grpc(&auth, &cloud).await.unwrap_err().code(),
            Code::Unauthenticated
        );
    }
    assert_eq!(auth.cache().status().state(), CacheState::Fresh);
    assert_eq!(iam_calls(&cloud), 1);
}

#[tokio::test]
async fn missing_role_drops_nothing() {
    let cloud = FakeCloud::start().await;
    let (auth, clock) = on_one_clock(&cloud);
    assert_eq!(list(&auth, &cloud).await.unwrap(), 200);
    clock.advance(MIN_AGE);
    cloud.inject(Host::Workflows, Fault::status(403));
    cloud.inject(Host::Grpc, Fault::status(403));
    assert_eq!(list(&auth, &cloud).await.unwrap(), 403);
    assert_eq!(
        list_grpc(&auth, &cloud).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    assert_eq!(auth.cache().status().state(), CacheState::Fresh);
    assert_eq!(iam_calls(&cloud), 1);
}

#[cfg(feature = "retry")]
mod replayed {
    use bytes::Bytes;
    use http::StatusCode;
    use http_body_util::Full;
    use tower::{BoxError, ServiceBuilder, ServiceExt};
    use yandex_cloud_auth::AuthLayer;
    use yandex_cloud_auth::retry::OnUnauthorized;

    use super::*;

    async fn start(
        auth: &AuthLayer<Loopback>,
        cloud: &FakeCloud,
        http2: bool,
    ) -> Result<StatusCode, BoxError> {
        let client = ServiceBuilder::new()
            .retry(OnUnauthorized::new())
            .layer(auth.clone())
            .service(client(http2));
        let mut request = request_to(
            "POST",
            cloud.workflows_url() + "/workflows/v1/execution/start",
        );
        request
            .headers_mut()
            .insert("content-type", "application/json".parse().unwrap());
        *request.body_mut() = Full::new(Bytes::from_static(br#"{"workflowId":"dfq1"}"#));
        Ok(client.oneshot(request).await?.status())
    }

    fn statuses(cloud: &FakeCloud) -> Vec<u16> {
        let received = cloud
            .audit()
            .into_iter()
            .filter(|request| request.host == Host::Workflows);
        received
            .map(|request| request.status.unwrap().as_u16())
            .collect()
    }

    #[tokio::test]
    async fn rejected_request_is_replayed_with_body() {
        for http2 in [false, true] {
            let cloud = FakeCloud::start().await;
            let (auth, clock) = on_one_clock(&cloud);
            assert_eq!(start(&auth, &cloud, http2).await.unwrap(), 200);
            clock.advance(MIN_AGE);
            cloud.revoke_all();
            assert_eq!(start(&auth, &cloud, http2).await.unwrap(), 200);
            assert_eq!(statuses(&cloud), [200, 401, 200]);
            assert_eq!(iam_calls(&cloud), 2);
        }
    }

    #[tokio::test]
    async fn request_is_not_replayed_twice() {
        let cloud = FakeCloud::start().await;
        let (auth, clock) = on_one_clock(&cloud);
        assert_eq!(start(&auth, &cloud, false).await.unwrap(), 200);
        clock.advance(MIN_AGE);
        cloud.inject(Host::Workflows, Fault::status(401));
        assert_eq!(start(&auth, &cloud, false).await.unwrap(), 401);
        assert_eq!(statuses(&cloud), [200, 401, 401]);
        assert_eq!(start(&auth, &cloud, false).await.unwrap(), 401);
        assert_eq!(
            statuses(&cloud).len(),
            4,
            "the new token is too young to be replaced"
        );
        assert_eq!(iam_calls(&cloud), 2);
    }

    #[tokio::test]
    async fn new_token_is_not_replayed_when_rejected() {
        let cloud = FakeCloud::start().await;
        let (auth, _clock) = on_one_clock(&cloud);
        assert_eq!(start(&auth, &cloud, false).await.unwrap(), 200);
        cloud.revoke_all();
        assert_eq!(start(&auth, &cloud, false).await.unwrap(), 401);
        assert_eq!(statuses(&cloud), [200, 401]);
    }
}
