//! The default policy.

use super::api_key::WORKFLOWS;
use super::{Decision, Policy, RequestHead, TrustedOrigins};
use crate::credential::Credential;

static YANDEX_CLOUD: TrustedOrigins = TrustedOrigins::yandex_cloud();

/// The default policy: [`TrustedOrigins::yandex_cloud`] and
/// [`ExecutionOnly`](super::ExecutionOnly).
///
/// Every credential stays with Yandex Cloud's own hosts, over `https`; an API key moreover with the
/// Execution resource of Workflows. Where both would refuse, the caller hears of the origin. To
/// widen it, build the same from its parts.
///
/// # Examples
///
/// The default rule, but for a fake on this machine too:
///
/// ```
/// use yandex_cloud_auth::{ExecutionOnly, Policy, TrustedOrigins};
///
/// let policy = TrustedOrigins::yandex_cloud().allow_loopback().and(ExecutionOnly);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Workflows;

impl Workflows {
    /// The default policy.
    pub const fn new() -> Self {
        Self
    }
}

impl Policy for Workflows {
    // The default is asked by nearly every request: inlined, its answer needs no memory.
    #[inline(always)]
    fn decide(&self, request: &RequestHead<'_>, credential: &Credential) -> Decision {
        if YANDEX_CLOUD.trust(request) && WORKFLOWS.let_pass(request, credential) {
            return Decision::Attach;
        }
        deny(request)
    }

    fn precheck(&self, request: &RequestHead<'_>) -> Option<Decision> {
        YANDEX_CLOUD.precheck(request)
    }
}

/// Where both would refuse, the caller hears of the origin.
#[cold]
fn deny(request: &RequestHead<'_>) -> Decision {
    YANDEX_CLOUD
        .precheck(request)
        .unwrap_or_else(|| WORKFLOWS.deny(request))
}
