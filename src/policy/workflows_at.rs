//! The default policy, at more origins.

use super::Policy;
use super::api_key::WORKFLOWS;
use super::decision::Decision;
use super::invalid_rule::InvalidRule;
use super::origin::TrustedOrigins;
use super::process_region::process_region;
use super::request_head::RequestHead;
use crate::credential::Credential;

/// The rules of [`Workflows`](super::Workflows) at more origins, made by its `allow` methods.
///
/// An API key goes only to the Execution resource, at any of the origins.
///
/// # Clone
///
/// Clones share the origins and allocate nothing.
///
/// # Examples
///
/// A private installation in addition:
///
/// ```
/// use yandex_cloud_auth::Workflows;
///
/// let policy = Workflows::new().allow("https://workflows.corp.example:8443")?;
/// # Ok::<(), yandex_cloud_auth::InvalidRule>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct WorkflowsAt {
    origins: TrustedOrigins,
}

impl WorkflowsAt {
    pub(super) const fn new() -> Self {
        Self {
            origins: TrustedOrigins::yandex_cloud(),
        }
    }

    /// Adds one origin: `https://host` or `https://host:port`.
    ///
    /// # Errors
    ///
    /// As for [`TrustedOrigins::allow`].
    pub fn allow(self, origin: impl AsRef<str>) -> Result<Self, InvalidRule> {
        let origins = self.origins.allow(origin)?;
        Ok(Self { origins })
    }

    /// Adds this machine. See [`TrustedOrigins::allow_loopback`].
    pub const fn allow_loopback(mut self) -> Self {
        self.origins.loopback = true;
        self
    }

    /// Adds one plain `http` origin. The network can read the credential.
    ///
    /// # Errors
    ///
    /// As for [`TrustedOrigins::allow_insecure`].
    pub fn allow_insecure(self, origin: impl AsRef<str>) -> Result<Self, InvalidRule> {
        let origins = self.origins.allow_insecure(origin)?;
        Ok(Self { origins })
    }

    /// Adds every `https` origin. See [`TrustedOrigins::allow_any_https`].
    pub const fn allow_any_https(mut self) -> Self {
        self.origins.any_https = true;
        self
    }
}

impl Policy for WorkflowsAt {
    #[inline]
    fn decide(&self, request: &RequestHead<'_>, credential: &Credential) -> Decision {
        if self.origins.trusts(request) && WORKFLOWS.lets_pass(request, credential) {
            return Decision::Attach;
        }
        decide_elsewhere(&self.origins, *request, credential)
    }

    fn precheck(&self, request: &RequestHead<'_>) -> Option<Decision> {
        precheck(&self.origins, request)
    }
}

pub(super) fn precheck(origins: &TrustedOrigins, request: &RequestHead<'_>) -> Option<Decision> {
    if origins.trusts(request) {
        return None;
    }
    match process_region() {
        Some(region) if region.trusts(request) => None,
        // The region's own host, with another rule broken.
        Some(region)
            if request
                .target()
                .is_some_and(|target| region.includes(target)) =>
        {
            Some(region.deny(request, "Workflows"))
        }
        _ => Some(origins.deny(request, "Workflows")),
    }
}

/// Decides where `origins` or the rule on API keys deny: at the region of this process, the
/// credential may still go. Where both deny, the denial names the origin.
#[cold]
pub(super) fn decide_elsewhere(
    origins: &TrustedOrigins,
    request: RequestHead<'_>,
    credential: &Credential,
) -> Decision {
    match precheck(origins, &request) {
        Some(denied) => denied,
        None if WORKFLOWS.lets_pass(&request, credential) => Decision::Attach,
        None => WORKFLOWS.deny(&request),
    }
}
