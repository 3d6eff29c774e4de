//! The default policy.

use super::Policy;
use super::api_key::WORKFLOWS;
use super::decision::Decision;
use super::invalid_rule::InvalidRule;
use super::origin::TrustedOrigins;
use super::request_head::RequestHead;
use super::workflows_at::{WorkflowsAt, decide_elsewhere, precheck};
use crate::credential::Credential;

static YANDEX_CLOUD: TrustedOrigins = TrustedOrigins::yandex_cloud();

/// The default policy: [`TrustedOrigins::yandex_cloud`] and
/// [`ExecutionOnly`](super::ExecutionOnly).
///
/// Every credential goes only to hosts of Yandex Cloud, over `https`. An API key goes only to the
/// Execution resource of Workflows.
///
/// If the variable `YC_ENDPOINT` names another [`Region`](super::Region), as
/// [`Region::from_env`](super::Region::from_env) reads it, its hosts are trusted, too, whatever the
/// provider is. Its domain must start with `api.`, and it is read once a process.
/// [`TrustedOrigins`] reads no variable: for one region alone, combine `TrustedOrigins::region` with
/// [`ExecutionOnly`](super::ExecutionOnly).
///
/// A URI without authority, as tonic's requests have it, is judged by the origin that the layer was
/// given with [`with_origin`](crate::AuthLayer::with_origin). Where it was given none, the
/// transport alone decides where the request goes, and over a plain-text channel the credential is
/// sent in plain text.
///
/// The methods that start with `allow` add origins and keep the rule on API keys.
///
/// # Examples
///
/// The default rule, with a fake on this machine in addition. The rule on API keys applies there
/// too:
///
/// ```
/// use yandex_cloud_auth::{Credential, Decision, Policy, RequestHead, Workflows};
///
/// let policy = Workflows::new().allow_loopback();
/// let key = Credential::api_key("AQVNexample")?;
/// let start = http::Request::post("http://127.0.0.1:8080/workflows/v1/execution/start").body(())?;
/// let create = http::Request::post("http://127.0.0.1:8080/workflows/v1/workflow").body(())?;
/// assert!(matches!(policy.decide(&RequestHead::of(&start), &key), Decision::Attach));
/// assert!(matches!(policy.decide(&RequestHead::of(&create), &key), Decision::Deny(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Workflows;

impl Workflows {
    /// The default policy.
    pub const fn new() -> Self {
        Self
    }

    /// Adds one origin: `https://host` or `https://host:port`. The rule on API keys applies there
    /// too.
    ///
    /// # Errors
    ///
    /// As for [`TrustedOrigins::allow`].
    pub fn allow(self, origin: impl AsRef<str>) -> Result<WorkflowsAt, InvalidRule> {
        WorkflowsAt::new().allow(origin)
    }

    /// Adds this machine. See [`TrustedOrigins::allow_loopback`].
    pub const fn allow_loopback(self) -> WorkflowsAt {
        WorkflowsAt::new().allow_loopback()
    }

    /// Adds one plain `http` origin. The network can read the credential.
    ///
    /// # Errors
    ///
    /// As for [`TrustedOrigins::allow_insecure`].
    pub fn allow_insecure(self, origin: impl AsRef<str>) -> Result<WorkflowsAt, InvalidRule> {
        WorkflowsAt::new().allow_insecure(origin)
    }

    /// Adds every `https` origin. See [`TrustedOrigins::allow_any_https`].
    pub const fn allow_any_https(self) -> WorkflowsAt {
        WorkflowsAt::new().allow_any_https()
    }
}

impl Policy for Workflows {
    // Called for nearly every request. Inlined, so that the decision is returned in a register.
    #[inline(always)]
    fn decide(&self, request: &RequestHead<'_>, credential: &Credential) -> Decision {
        if YANDEX_CLOUD.trusts(request) && WORKFLOWS.lets_pass(request, credential) {
            return Decision::Attach;
        }
        decide_elsewhere(&YANDEX_CLOUD, *request, credential)
    }

    fn precheck(&self, request: &RequestHead<'_>) -> Option<Decision> {
        precheck(&YANDEX_CLOUD, request)
    }
}
