//! The hosts of the cloud.

/// A host of Yandex Cloud. Each has its own port in a [`FakeCloud`](crate::testing::FakeCloud).
///
/// # Examples
///
/// IAM fails, so nothing is sent to Workflows:
///
/// ```
/// # #[cfg(all(feature = "hyper-client", feature = "service-account"))]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use tower::{Layer, ServiceExt};
/// use yandex_cloud_auth::testing::{FakeCloud, Fault, Host};
/// use yandex_cloud_auth::{AuthLayer, HttpsTransport, ServiceAccountKey, Workflows};
/// # use http::Request;
/// # use http_body_util::Full;
///
/// let cloud = FakeCloud::start().await;
/// cloud.inject(Host::Iam, Fault::status(503));
/// let key = cloud.service_account_key();
/// let key = ServiceAccountKey::from_json(&key)?.with_endpoint(cloud.url(Host::Iam));
/// let auth = AuthLayer::new(key).with_policy(Workflows::new().allow_loopback());
///
/// let url = cloud.url(Host::Workflows) + "/workflows/v1/execution";
/// let request = Request::get(url).body(Full::default())?;
/// assert!(auth.layer(HttpsTransport::new()).oneshot(request).await.is_err());
/// assert_eq!(cloud.count(|received| received.host == Host::Iam), 1);
/// assert_eq!(cloud.count(|received| received.host == Host::Workflows), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Host {
    /// `api.cloud.yandex.net`: the list of the other hosts.
    Discovery,
    /// `serverless-workflows.api.cloud.yandex.net` and `operation.api.cloud.yandex.net`, as gRPC.
    Grpc,
    /// `iam.api.cloud.yandex.net`: IAM tokens.
    Iam,
    /// `169.254.169.254`: the metadata service of a virtual machine.
    Metadata,
    /// `auth.yandex.cloud`: token exchange for workload identity.
    OAuth,
    /// `operation.api.cloud.yandex.net`.
    Operation,
    /// `serverless-workflows.api.cloud.yandex.net`, as REST.
    Workflows,
}

impl Host {
    pub(crate) const ALL: [Self; 7] = [
        Self::Discovery,
        Self::Grpc,
        Self::Iam,
        Self::Metadata,
        Self::OAuth,
        Self::Operation,
        Self::Workflows,
    ];
}
