//! One request's exception from the layer's credential.

use crate::credential::Credential;

/// In a request's extensions: not the cache's credential for this one. Neither variant asks the
/// cache.
///
/// # Examples
///
/// A public workflow is started without credentials:
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
    /// Send it without credentials, whatever the policy says; one that was written by hand is
    /// removed.
    Anonymous,
    /// Send it with this credential, if the policy lets it, whatever its expiry says. A 401 drops
    /// nothing.
    Use(Credential),
}
