//! What a policy decides.

use super::denial::Denial;

/// What a [`Policy`](super::Policy) decides about one request.
///
/// # Examples
///
/// ```
/// use http::Request;
/// use yandex_cloud_auth::{Credential, Decision, Policy, RequestHead, Workflows};
///
/// let request = Request::get("https://example.com/").body(())?;
/// let token = Credential::iam_token("t1.abc")?;
/// match Workflows::new().decide(&RequestHead::of(&request), &token) {
///     Decision::Deny(denial) => assert!(denial.to_string().contains("example.com/ was not sent")),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub enum Decision {
    /// Send it with the credential.
    Attach,
    /// Do not send it. The caller gets the [`Denial`].
    Deny(Denial),
    /// Send it without credentials.
    Skip,
}
