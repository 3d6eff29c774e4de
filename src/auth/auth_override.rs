//! A request that does not carry the layer's credential.

use crate::credential::Credential;

/// Replaces the layer's credential for one request. Set it in the request's extensions.
///
/// Neither variant looks up the cache, and a `401` or a gRPC status 16 drops nothing.
///
/// # Examples
///
/// Start a public workflow without credentials:
///
/// ```
/// use http::Request;
/// use yandex_cloud_auth::AuthOverride;
///
/// let request = Request::post("https://serverless-workflows.api.cloud.yandex.net/workflows/v1/execution/dfq1/start")
///     .extension(AuthOverride::Anonymous)
///     .body(())?;
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuthOverride {
    /// Send the request without credentials. The policy is not asked, and an `Authorization` that
    /// the caller set is removed.
    Anonymous,
    /// Send the request with this credential, if the policy allows it. Its expiry is not checked.
    Use(Credential),
}
