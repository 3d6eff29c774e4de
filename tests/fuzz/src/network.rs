//! Network providers over a transport in memory.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use tower::Service;
use yandex_cloud_auth::{
    Credential, CredentialProvider, Impersonation, MetadataService, OAuthToken, ProviderError,
    WorkloadIdentity,
};

// Secrets in requests. A server may echo them; no error may show them.
const OAUTH_TOKEN: &str = "y0_canary-0123456789-sent-secret";
const SOURCE_TOKEN: &str = "canary-0123456789-source-token";

/// A network provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    Impersonation,
    Metadata,
    OAuth,
    WorkloadIdentity,
}

impl Provider {
    pub(crate) const ALL: [Self; 4] = [
        Self::Impersonation,
        Self::Metadata,
        Self::OAuth,
        Self::WorkloadIdentity,
    ];

    /// Whether its tokens are those of IAM, with `iamToken` and `expiresAt`. The others have
    /// `access_token` and `expires_in`.
    pub(crate) const fn is_iam(self) -> bool {
        matches!(self, Self::Impersonation | Self::OAuth)
    }

    /// The secret in its request.
    fn sent(self) -> Option<&'static str> {
        match self {
            Self::Impersonation => Some(SOURCE_TOKEN),
            Self::Metadata => None,
            Self::OAuth | Self::WorkloadIdentity => Some(OAUTH_TOKEN),
        }
    }

    /// What it makes of this response.
    pub(crate) fn fetch(
        self,
        response: Response<Full<Bytes>>,
    ) -> Result<Credential, ProviderError> {
        match self {
            Self::Impersonation => {
                once(&Impersonation::new(source(), "aje1").with_transport(Transport(response)))
            }
            Self::Metadata => once(&MetadataService::new().with_transport(Transport(response))),
            Self::OAuth => once(
                &OAuthToken::new(OAUTH_TOKEN)
                    .expect("the constant is a token")
                    .with_transport(Transport(response)),
            ),
            Self::WorkloadIdentity => once(
                &WorkloadIdentity::from_fn("aje1", || async { Ok(OAUTH_TOKEN.to_owned()) })
                    .with_transport(Transport(response)),
            ),
        }
    }
}

/// The identity that impersonates another.
fn source() -> Credential {
    Credential::iam_token(SOURCE_TOKEN).expect("the constant is a token")
}

fn once(provider: &impl CredentialProvider) -> Result<Credential, ProviderError> {
    let outcome = provider.fetch().now_or_never();
    outcome.expect("nothing here waits")
}

/// Answers each request with this response.
#[derive(Clone)]
struct Transport(Response<Full<Bytes>>);

impl Service<Request<Full<Bytes>>> for Transport {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        ready(Ok(self.0.clone()))
    }
}

/// Sets a field, if the bytes may be one. An empty value sets none.
pub(crate) fn set_field(response: &mut Response<Full<Bytes>>, name: &'static str, value: &[u8]) {
    if value.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_bytes(value) {
        response.headers_mut().insert(name, value);
    }
}

/// What holds for each error: it is short, on one line, and does not show what was sent.
pub(crate) fn check_error(provider: Provider, error: &ProviderError) {
    for text in [error.to_string(), format!("{error:?}")] {
        if let Some(sent) = provider.sent() {
            assert!(!text.contains(sent), "the error shows what was sent");
        }
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(text.len() < 4096, "{} bytes", text.len());
    }
}
