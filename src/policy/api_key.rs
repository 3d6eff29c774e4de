//! Where an API key may go: [`ExecutionOnly`], and [`ApiKeyRules`], the table behind it.

use std::borrow::Cow;
use std::sync::Arc;

use http::Uri;

use super::authority::Origin;
use super::decision::Decision;
use super::denial::Denial;
use super::invalid_rule::{InvalidRule, Reason};
use super::request_head::RequestHead;
use super::{Policy, path};
use crate::credential::{Credential, Scheme};

const EXECUTION: &str = "/workflows/v1/execution";
const EXECUTION_SERVICE: &str = "yandex.cloud.serverless.workflows.v1.ExecutionService";

const EXECUTION_SUMMARY: &str = "/workflows/v1/execution and below, gRPC \
     yandex.cloud.serverless.workflows.v1.ExecutionService";
const TOKENS_SUMMARY: &str = "everything with an IAM token";
const WORKFLOWS_SUMMARY: &str = "/workflows/v1/execution and below, gRPC \
     yandex.cloud.serverless.workflows.v1.ExecutionService, everything with an IAM token";

pub(super) static WORKFLOWS: ApiKeyRules = ApiKeyRules::workflows();

/// Sends an API key only to methods of the Execution resource of the Workflows API. An IAM token
/// goes anywhere.
///
/// The API accepts no API key elsewhere *(Yandex Cloud documentation, "Authentication with the
/// Workflows API")*. The resource is the REST path `/workflows/v1/execution` and all paths below
/// it, and each method of the gRPC service `yandex.cloud.serverless.workflows.v1.ExecutionService`,
/// with any HTTP method and on any host. The default policy, [`Workflows`](super::Workflows), adds
/// [`TrustedOrigins`](super::TrustedOrigins).
///
/// The path is judged byte for byte as it will be sent. A path is not Execution if it has a `%`,
/// `;`, `\` or a character that is not visible ASCII, an empty segment (also the last one), or a
/// segment `.` or `..`: servers read such paths differently. The query is ignored.
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

/// Sends an API key only to the methods listed. An IAM token goes anywhere.
///
/// For other services than Workflows. Paths are judged as by [`ExecutionOnly`]. The rules concern
/// API keys only: combine them with [`TrustedOrigins`](super::TrustedOrigins), which concern every
/// credential.
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
#[must_use]
pub struct ApiKeyRules {
    workflows: bool,
    listed: Option<Arc<Vec<Rule>>>,
}

#[derive(Clone, Debug)]
enum Rule {
    Grpc { service: Box<str> },
    Origin { origin: Origin },
    Rest { origin: Origin, prefix: Box<str> },
}

impl ApiKeyRules {
    /// No method.
    pub const fn none() -> Self {
        Self {
            workflows: false,
            listed: None,
        }
    }

    /// The Execution resource of Workflows, on any host, as [`ExecutionOnly`].
    pub const fn workflows() -> Self {
        Self {
            workflows: true,
            listed: None,
        }
    }

    /// Adds the REST path `path_prefix` and all paths below it, at `origin`: `https://host` or
    /// `https://host:port`.
    ///
    /// Origins are compared as by [`TrustedOrigins`](super::TrustedOrigins). A URI without
    /// authority is judged by the origin that the layer was given with
    /// [`with_origin`](crate::AuthLayer::with_origin). Where it was given none, only the path
    /// counts.
    ///
    /// # Errors
    ///
    /// [`InvalidRule`] if the origin is not of this form (`http` is for loopback only), or if the
    /// prefix matches no path that is allowed: it starts with `/` and does not end with one.
    pub fn allow_rest(
        self,
        origin: impl AsRef<str>,
        path_prefix: impl AsRef<str>,
    ) -> Result<Self, InvalidRule> {
        let (origin, prefix) = (secure(origin.as_ref())?, path_prefix.as_ref());
        if !path::is_canonical(prefix) {
            return Err(Reason::Prefix.into());
        }
        Ok(self.with(Rule::Rest {
            origin,
            prefix: prefix.into(),
        }))
    }

    /// Adds every path at `origin`: `https://host` or `https://host:port`.
    ///
    /// For an origin that belongs to one service as a whole, such as a private function or
    /// container. A URI without authority is allowed only if the layer was given this origin with
    /// [`with_origin`](crate::AuthLayer::with_origin).
    ///
    /// # Errors
    ///
    /// [`InvalidRule`] if the origin is not of this form. `http` is for loopback only.
    ///
    /// # Examples
    ///
    /// Workflows, and a private function behind an API gateway:
    ///
    /// ```
    /// use yandex_cloud_auth::{ApiKeyRules, Policy, TrustedOrigins};
    ///
    /// let gateway = "https://d5dexample.apigw.yandexcloud.net";
    /// let rules = ApiKeyRules::workflows().allow_origin(gateway)?;
    /// let policy = TrustedOrigins::yandex_cloud().allow(gateway)?.and(rules);
    /// # Ok::<(), yandex_cloud_auth::InvalidRule>(())
    /// ```
    pub fn allow_origin(self, origin: impl AsRef<str>) -> Result<Self, InvalidRule> {
        let origin = secure(origin.as_ref())?;
        Ok(self.with(Rule::Origin { origin }))
    }

    /// Adds every method of a gRPC service, on any host, by its full name, such as
    /// `yandex.cloud.searchapi.v2.WebSearchService`.
    ///
    /// # Errors
    ///
    /// [`InvalidRule`] if the text is not a full name: words of letters, digits and `_` with dots
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
    pub(super) fn lets_pass(&self, request: &RequestHead<'_>, credential: &Credential) -> bool {
        match credential.scheme() {
            Scheme::Bearer => true,
            Scheme::ApiKey => self.allows(request),
        }
    }

    #[inline]
    fn allows(&self, request: &RequestHead<'_>) -> bool {
        (self.workflows && is_execution(request.uri)) || self.is_listed(*request)
    }

    // Not inlined, so that the preset costs as little as if it was written out.
    #[inline(never)]
    fn is_listed(&self, request: RequestHead<'_>) -> bool {
        self.listed().iter().any(|rule| rule.allows(&request))
    }

    #[cold]
    pub(super) fn deny(&self, request: &RequestHead<'_>) -> Decision {
        let path = request.uri.path();
        let rule = if self.judges_paths() && path.len() > 1 && !path::is_canonical(path) {
            "an API key goes only with a plain path: no empty or dot segment, no `%`, `;` or `\\`, \
             only visible ASCII"
        } else if !self.only_workflows() {
            "an API key works only for the methods listed for it"
        } else if path.contains(EXECUTION) || path.contains(EXECUTION_SERVICE) {
            "an API key works only for methods of the Execution resource, at the root of their \
             host (list a proxy's path prefix with `ApiKeyRules`)"
        } else {
            "an API key works only for methods of the Execution resource"
        };
        Decision::Deny(Denial::new(rule, request).allowed(self.summary()))
    }

    fn judges_paths(&self) -> bool {
        let is_path = |rule: &Rule| !matches!(rule, Rule::Origin { .. });
        self.workflows || self.listed().iter().any(is_path)
    }

    fn only_workflows(&self) -> bool {
        self.workflows && self.listed().is_empty()
    }

    fn summary(&self) -> Cow<'static, str> {
        if self.only_workflows() {
            return Cow::Borrowed(WORKFLOWS_SUMMARY);
        }
        let workflows = self.workflows.then(|| EXECUTION_SUMMARY.to_owned());
        let listed = self.listed().iter().map(Rule::summary);
        let tokens = std::iter::once(TOKENS_SUMMARY.to_owned());
        let parts: Vec<_> = workflows.into_iter().chain(listed).chain(tokens).collect();
        Cow::Owned(parts.join(", "))
    }
}

impl Policy for ApiKeyRules {
    #[inline]
    fn decide(&self, request: &RequestHead<'_>, credential: &Credential) -> Decision {
        if self.lets_pass(request, credential) {
            Decision::Attach
        } else {
            self.deny(request)
        }
    }
}

impl Rule {
    fn allows(&self, request: &RequestHead<'_>) -> bool {
        let path = request.uri.path();
        match self {
            Self::Grpc { service } => path::is_method_of(path, service),
            Self::Origin { origin } => is_sent_to(request, origin).unwrap_or(false),
            Self::Rest { origin, prefix } => {
                path::is_within(path, prefix) && is_sent_to(request, origin).unwrap_or(true)
            }
        }
    }

    fn summary(&self) -> String {
        match self {
            Self::Grpc { service } => format!("gRPC {service}"),
            Self::Origin { origin } => format!("every path at {origin}"),
            Self::Rest { origin, prefix } => format!("{origin}{prefix} and below"),
        }
    }
}

/// Whether the request goes to `origin`. `None` if nothing says where it goes.
fn is_sent_to(request: &RequestHead<'_>, origin: &Origin) -> Option<bool> {
    match (request.uri.authority(), request.origin) {
        (Some(_), _) => Some(origin.is_of(request.uri)),
        (None, Some(sent_to)) => Some(origin == sent_to),
        (None, None) => None,
    }
}

/// Reads an origin. Plain `http` is accepted for loopback only.
fn secure(origin: &str) -> Result<Origin, InvalidRule> {
    let origin = Origin::parse(origin)?;
    if origin.is_https() || origin.is_loopback() {
        Ok(origin)
    } else {
        Err(Reason::Insecure.into())
    }
}

// Not inlined, so that a request with an IAM token does not pay for the registers this takes.
#[inline(never)]
fn is_execution(uri: &Uri) -> bool {
    let path = uri.path();
    path::is_within(path, EXECUTION) || path::is_method_of(path, EXECUTION_SERVICE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_judge_path_and_given_origin() {
        let rules = ApiKeyRules::workflows()
            .allow_rest("https://a.example:8443", "/v2")
            .unwrap()
            .allow_origin("https://b.example")
            .unwrap();
        let key = Credential::api_key("AQVNcanary").unwrap();
        for (origin, path, allowed) in [
            ("https://A.example.:08443", "/v2/x", true),
            ("https://a.example:8443", "/v3", false),
            ("https://a.example", "/v2/x", false),
            ("http://a.example:8443", "/v2/x", false),
            ("https://B.example:443", "/any/%2e", true),
            ("http://b.example", "/any", false),
            ("https://evil.example", "/any", false),
            ("https://evil.example", "/workflows/v1/workflow", false),
            ("https://evil.example", "/workflows/v1/execution", true),
        ] {
            let request = http::Request::get(path).body(()).unwrap();
            let origin = Origin::parse(origin).unwrap();
            let head = RequestHead::of(&request).with_origin(&origin);
            assert_eq!(rules.lets_pass(&head, &key), allowed, "{origin}{path}");
        }
    }
}
