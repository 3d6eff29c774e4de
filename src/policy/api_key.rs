//! Where an API key may go: [`ExecutionOnly`], and [`ApiKeyRules`], the table behind it.

use std::sync::Arc;

use http::Uri;

use super::authority::{InvalidRule, Origin, Reason};
use super::{Decision, Denial, Policy, RequestHead, path};
use crate::credential::{Credential, Scheme};

const EXECUTION: &str = "/workflows/v1/execution";
const EXECUTION_SERVICE: &str = "yandex.cloud.serverless.workflows.v1.ExecutionService";

pub(super) static WORKFLOWS: ApiKeyRules = ApiKeyRules::workflows();

/// An API key goes only to methods of the Workflows API's Execution resource; an IAM token goes
/// anywhere.
///
/// That is what the API accepts *(Yandex Cloud documentation, "Authentication with the Workflows
/// API")*. The resource is the REST path `/workflows/v1/execution` and what lies below it, and
/// every method of the gRPC service `yandex.cloud.serverless.workflows.v1.ExecutionService`, with
/// any HTTP method and on any host: the default policy, [`Workflows`](super::Workflows), adds
/// [`TrustedOrigins`](super::TrustedOrigins).
///
/// The path is judged byte for byte as it will be sent. One with a `%`, `;`, `\` or a character
/// that is not visible ASCII, with an empty segment (also at the end) or with a segment `.` or `..`
/// is not Execution, whatever a server may make of it. The query is not looked at.
///
/// # Examples
///
/// ```
/// use http::Request;
/// use yandex_cloud_auth::{Credential, Decision, ExecutionOnly, Policy, RequestHead};
///
/// let key = Credential::api_key("AQVNexample")?;
/// let start = Request::post("/workflows/v1/execution/start").body(())?;
/// let create = Request::post("/workflows/v1/workflow").body(())?;
/// assert!(matches!(ExecutionOnly.decide(&RequestHead::of(&start), &key), Decision::Attach));
/// assert!(matches!(ExecutionOnly.decide(&RequestHead::of(&create), &key), Decision::Deny(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ExecutionOnly;

impl Policy for ExecutionOnly {
    #[inline]
    fn decide(&self, request: &RequestHead<'_>, credential: &Credential) -> Decision {
        WORKFLOWS.decide(request, credential)
    }
}

/// An API key goes only to the methods listed; an IAM token goes anywhere.
///
/// For other services, whose API keys too are good for some methods only. [`ExecutionOnly`] tells
/// how paths are judged. Only the API key is held back here: combine it with
/// [`TrustedOrigins`](super::TrustedOrigins), which holds back every credential.
///
/// # Clone
///
/// Clones share the list and allocate nothing.
///
/// # Examples
///
/// Workflows, and the search service:
///
/// ```
/// use yandex_cloud_auth::{ApiKeyRules, Policy, TrustedOrigins};
///
/// let rules = ApiKeyRules::workflows()
///     .allow_rest("https://searchapi.api.cloud.yandex.net", "/v2/web")?
///     .allow_grpc("yandex.cloud.searchapi.v2.WebSearchService")?;
/// let policy = TrustedOrigins::yandex_cloud().and(rules);
/// # Ok::<(), yandex_cloud_auth::InvalidRule>(())
/// ```
#[derive(Clone, Debug)]
pub struct ApiKeyRules {
    workflows: bool,
    listed: Option<Arc<Vec<Rule>>>,
}

#[derive(Clone, Debug)]
enum Rule {
    Grpc { service: Box<str> },
    Rest { origin: Origin, prefix: Box<str> },
}

impl ApiKeyRules {
    /// No method yet.
    pub const fn none() -> Self {
        Self {
            workflows: false,
            listed: None,
        }
    }

    /// The Execution resource of Workflows, on any host: what [`ExecutionOnly`] is.
    pub const fn workflows() -> Self {
        Self {
            workflows: true,
            listed: None,
        }
    }

    /// Adds the REST path `path_prefix` and what lies below it, on `origin`, written `https://host`
    /// or `https://host:port`.
    ///
    /// Origins are compared as in [`TrustedOrigins`](super::TrustedOrigins). In a URI without
    /// authority only the path counts, since its origin is known to the transport under the layer
    /// only.
    ///
    /// # Errors
    ///
    /// [`InvalidRule`] when the origin is written otherwise (plain `http` is for loopback only),
    /// or when no path that is allowed could start with the prefix: it starts with `/` and has no
    /// other `/` at its end, so `/` alone is none.
    pub fn allow_rest(
        self,
        origin: impl AsRef<str>,
        path_prefix: impl AsRef<str>,
    ) -> Result<Self, InvalidRule> {
        let (origin, prefix) = (Origin::parse(origin.as_ref())?, path_prefix.as_ref());
        if !origin.is_https() && !origin.is_loopback() {
            return Err(Reason::Insecure.into());
        }
        if !path::is_canonical(prefix) {
            return Err(Reason::Prefix.into());
        }
        Ok(self.with(Rule::Rest {
            origin,
            prefix: prefix.into(),
        }))
    }

    /// Adds every method of a gRPC service, on any host, by its full name:
    /// `yandex.cloud.searchapi.v2.WebSearchService`.
    ///
    /// # Errors
    ///
    /// [`InvalidRule`] when the text is no such name: words of letters, digits and `_` with dots
    /// between.
    pub fn allow_grpc(self, service: impl AsRef<str>) -> Result<Self, InvalidRule> {
        let service = service.as_ref();
        if !path::is_service_name(service) {
            return Err(Reason::Service.into());
        }
        Ok(self.with(Rule::Grpc {
            service: service.into(),
        }))
    }

    fn with(mut self, rule: Rule) -> Self {
        Arc::make_mut(self.listed.get_or_insert_default()).push(rule);
        self
    }

    fn listed(&self) -> &[Rule] {
        self.listed.as_deref().map_or(&[], Vec::as_slice)
    }

    #[inline]
    pub(super) fn let_pass(&self, request: &RequestHead<'_>, credential: &Credential) -> bool {
        match credential.scheme() {
            Scheme::Bearer => true,
            Scheme::ApiKey => self.allow(request),
        }
    }

    #[inline]
    fn allow(&self, request: &RequestHead<'_>) -> bool {
        (self.workflows && is_execution(request.uri)) || self.list(request)
    }

    #[inline(never)]
    fn list(&self, request: &RequestHead<'_>) -> bool {
        self.listed().iter().any(|rule| rule.allows(request))
    }

    #[cold]
    pub(super) fn deny(&self, request: &RequestHead<'_>) -> Decision {
        let rule = if request.uri.path().len() > 1 && !path::is_canonical(request.uri.path()) {
            "an API key goes only with a plain path: no empty or dot segment, no `%`, `;` or `\\`, only visible ASCII"
        } else if self.workflows && self.listed().is_empty() {
            "an API key works only for methods of the Execution resource"
        } else {
            "an API key works only for the methods listed for it"
        };
        Decision::Deny(Denial::new(rule, request).allowed(self.summary()))
    }

    fn summary(&self) -> String {
        let mut allowed = Vec::new();
        if self.workflows {
            allowed.push(format!("{EXECUTION} and below, gRPC {EXECUTION_SERVICE}"));
        }
        allowed.extend(self.listed().iter().map(Rule::summary));
        allowed.push("everything with an IAM token".to_owned());
        allowed.join(", ")
    }
}

impl Policy for ApiKeyRules {
    #[inline]
    fn decide(&self, request: &RequestHead<'_>, credential: &Credential) -> Decision {
        if self.let_pass(request, credential) {
            Decision::Attach
        } else {
            self.deny(request)
        }
    }
}

impl Rule {
    fn allows(&self, request: &RequestHead<'_>) -> bool {
        let uri = request.uri;
        match self {
            Self::Grpc { service } => path::is_method_of(uri.path(), service),
            Self::Rest { origin, prefix } => {
                let is_there = match (uri.authority(), request.origin) {
                    (Some(_), _) => origin.is_of(uri),
                    (None, Some(sent_to)) => origin.target() == sent_to.target(),
                    (None, None) => true,
                };
                is_there && path::is_within(uri.path(), prefix)
            }
        }
    }

    fn summary(&self) -> String {
        match self {
            Self::Grpc { service } => format!("gRPC {service}"),
            Self::Rest { origin, prefix } => format!("{origin}{prefix} and below"),
        }
    }
}

// A function of its own, so that a request with an IAM token does not pay for the registers this
// takes.
#[inline(never)]
fn is_execution(uri: &Uri) -> bool {
    let path = uri.path();
    path::is_within(path, EXECUTION) || path::is_method_of(path, EXECUTION_SERVICE)
}
