//! The hosts of the cloud.

/// A host of Yandex Cloud. Each has its own port in a [`FakeCloud`](crate::testing::FakeCloud).
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
