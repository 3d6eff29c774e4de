//! The messages of `yandex.cloud.iam.v1.IamTokenService`.

use crate::testing::proto::Timestamp;

/// Requests an IAM token. Both fields are members of one `oneof`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub(crate) struct CreateIamTokenRequest {
    #[prost(string, optional, tag = "1")]
    pub(crate) yandex_passport_oauth_token: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) jwt: Option<String>,
}

/// An IAM token.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub(crate) struct CreateIamTokenResponse {
    #[prost(string, tag = "1")]
    pub(crate) iam_token: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) expires_at: Option<Timestamp>,
}
