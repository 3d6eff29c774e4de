//! Where any credential may go, whatever its scheme: [`TrustedOrigins`].

use std::sync::Arc;

use http::Uri;

use super::Policy;
use super::authority::{Origin, Target};
use super::decision::Decision;
use super::host_field::{has_host, host_agrees};
use super::invalid_rule::{InvalidRule, Reason};
use super::method::leaks;
use super::region::Region;
use super::request_head::RequestHead;
use super::request_target::{starts_at_root, stays_at_host};
use crate::credential::Credential;

/// The domain of Yandex Cloud's APIs. User content is served under other names.
const YANDEX_CLOUD: &str = "api.cloud.yandex.net";

/// Sends credentials only over `https` and to listed origins, and never with `TRACE` or `CONNECT`.
///
/// An origin is scheme, host and port *(RFC 9110 §4.3.1)*. Hosts are compared in lower case with
/// one trailing dot removed, IP addresses by value, and the default port equals none. A URI with a
/// user name, a zone id, or a port that is empty or unreadable is denied, and so is every other
/// scheme, such as `wss`. A path must start with `/`, except the `*` of `OPTIONS`.
///
/// A `Host` field must name the host and port of the URI. A second one and an empty one are denied
/// *(RFC 9110 §7.2, RFC 9113 §8.3.1)*.
///
/// A URI without authority, as tonic's requests have it, is judged by the origin that the layer was
/// given with [`with_origin`](crate::AuthLayer::with_origin). Where it was given none, the request
/// passes: only the transport under the layer decides where it goes, so let that transport reach
/// one trusted place. A path that starts with `//` or `/\` is denied then: resolved against a base
/// URL, it names another host.
///
/// `TRACE` returns the credential in its response, and `CONNECT` sends it to a proxy; both are
/// denied in any case of letters. What a request asks of a trusted origin is not judged: see
/// [`ExecutionOnly`](super::ExecutionOnly).
///
/// This policy does not see redirects that the transport follows by itself: disable them there.
/// Over HTTP/2, hyper removes the fields that a `Connection` field names, so a request with
/// `Connection: authorization` arrives without its credential.
///
/// # Clone
///
/// Clones share the list and allocate nothing.
///
/// # Examples
///
/// A private installation in addition to the public cloud, and this machine for tests:
///
/// ```
/// use yandex_cloud_auth::TrustedOrigins;
///
/// let trusted = TrustedOrigins::yandex_cloud()
///     .allow("https://workflows.corp.example:8443")?
///     .allow_loopback();
/// assert!(trusted.allow("http://workflows.corp.example").is_err());
/// # Ok::<(), yandex_cloud_auth::InvalidRule>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TrustedOrigins {
    pub(super) any_https: bool,
    pub(super) loopback: bool,
    yandex_cloud: bool,
    listed: Option<Arc<Listed>>,
}

#[derive(Clone, Debug, Default)]
struct Listed {
    domain: Option<Box<str>>,
    origins: Vec<Origin>,
}

impl TrustedOrigins {
    /// No origin.
    pub const fn none() -> Self {
        Self {
            any_https: false,
            loopback: false,
            yandex_cloud: false,
            listed: None,
        }
    }

    /// `https` to `api.cloud.yandex.net` and all hosts under it, on the default port.
    pub const fn yandex_cloud() -> Self {
        let mut origins = Self::none();
        origins.yandex_cloud = true;
        origins
    }

    /// `https` to the API domain of `region` and all hosts under it, on the default port.
    pub fn region(region: &Region) -> Self {
        if region.domain() == YANDEX_CLOUD {
            return Self::yandex_cloud();
        }
        let mut origins = Self::none();
        origins.list_mut().domain = Some(region.domain().into());
        origins
    }

    /// Adds one origin: `https://host` or `https://host:port`.
    ///
    /// # Errors
    ///
    /// [`InvalidRule`] if the text is not of this form, or its scheme is `http`: see
    /// [`allow_loopback`](Self::allow_loopback) and [`allow_insecure`](Self::allow_insecure).
    pub fn allow(self, origin: impl AsRef<str>) -> Result<Self, InvalidRule> {
        let origin = Origin::parse(origin.as_ref())?;
        if origin.is_https() {
            Ok(self.with(origin))
        } else {
            Err(Reason::Insecure.into())
        }
    }

    /// Adds this machine over `http` and `https`, on any port: `127.0.0.0/8` as four decimal
    /// numbers, `[::1]`, `localhost`.
    pub const fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Adds every `https` origin: anyone who controls the URI of a request gets the credential.
    pub const fn allow_any_https(mut self) -> Self {
        self.any_https = true;
        self
    }

    /// Adds one plain `http` origin: `http://host` or `http://host:port`. The network can read the
    /// credential.
    ///
    /// # Errors
    ///
    /// [`InvalidRule`] if the text is not of this form, or its scheme is `https`, which needs no
    /// exception.
    pub fn allow_insecure(self, origin: impl AsRef<str>) -> Result<Self, InvalidRule> {
        let origin = Origin::parse(origin.as_ref())?;
        if origin.is_https() {
            Err(Reason::Secure.into())
        } else {
            Ok(self.with(origin))
        }
    }

    fn with(mut self, origin: Origin) -> Self {
        self.list_mut().origins.push(origin);
        self
    }

    fn list_mut(&mut self) -> &mut Listed {
        Arc::make_mut(self.listed.get_or_insert_default())
    }

    /// The domain that is trusted with all hosts under it.
    pub(super) fn domain(&self) -> Option<&str> {
        if self.yandex_cloud {
            Some(YANDEX_CLOUD)
        } else {
            self.listed.as_ref()?.domain.as_deref()
        }
    }

    pub(super) fn listed(&self) -> &[Origin] {
        self.listed.as_deref().map_or(&[], |listed| &listed.origins)
    }

    #[inline(always)]
    pub(super) fn trusts(&self, request: &RequestHead<'_>) -> bool {
        !leaks(request.method)
            && self.trusts_target(request)
            && (!has_host(request.headers) || host_agrees(*request))
    }

    #[inline(always)]
    fn trusts_target(&self, request: &RequestHead<'_>) -> bool {
        let (method, uri) = (request.method, request.uri);
        match (uri.scheme(), uri.authority()) {
            (None, None) => {
                stays_at_host(method, uri)
                    && request
                        .origin
                        .is_none_or(|origin| self.trusts_origin(origin))
            }
            (Some(scheme), Some(authority))
                if self.yandex_cloud
                    && scheme.as_str() == "https"
                    && is_usual(authority.as_str()) =>
            {
                starts_at_root(method, uri)
            }
            _ => starts_at_root(method, uri) && self.lists(uri),
        }
    }

    /// Whether this trusts the origin that the layer was given. It is compared in its canonical
    /// spelling first, since parsing it takes 3000 instructions.
    // Not inlined, so that requests with an authority do not pay for the registers this takes.
    #[inline(never)]
    fn trusts_origin(&self, origin: &Origin) -> bool {
        (self.yandex_cloud && origin.is_https() && is_usual(origin.authority()))
            || self.listed().contains(origin)
            || origin.target().is_some_and(|target| self.includes(target))
    }

    // Not inlined, so that requests to the usual host do not pay for the registers this takes.
    #[inline(never)]
    fn lists(&self, uri: &Uri) -> bool {
        self.listed().iter().any(|origin| origin.is_spelled_in(uri))
            || Target::of(uri).is_some_and(|target| self.includes(target))
    }

    pub(super) fn includes(&self, target: Target<'_>) -> bool {
        (target.is_https()
            && (self.any_https || self.domain().is_some_and(|domain| target.is_within(domain))))
            || (self.loopback && target.is_loopback())
            || self.listed().iter().any(|origin| origin.is(target))
    }
}

impl Policy for TrustedOrigins {
    #[inline]
    fn decide(&self, request: &RequestHead<'_>, _: &Credential) -> Decision {
        if self.trusts(request) {
            Decision::Attach
        } else {
            self.deny(request, "TrustedOrigins")
        }
    }

    fn precheck(&self, request: &RequestHead<'_>) -> Option<Decision> {
        (!self.trusts(request)).then(|| self.deny(request, "TrustedOrigins"))
    }
}

/// Whether `authority` is a host of Yandex Cloud in its usual spelling: one label, most often that
/// of Workflows, and the domain.
// Two short comparisons are inlined, where one of the whole text would be a call.
#[inline(always)]
fn is_usual(authority: &str) -> bool {
    match authority.strip_suffix(YANDEX_CLOUD) {
        Some("serverless-workflows.") => true,
        Some(label) => is_usual_label(label),
        None => false,
    }
}

/// Whether `label`, with its dot, has only lower-case letters, digits and hyphens.
// Not inlined, so that requests to the host of Workflows do not pay for the loop.
#[inline(never)]
fn is_usual_label(label: &str) -> bool {
    let label = label.strip_suffix('.').unwrap_or_default();
    !label.is_empty()
        && label
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted(origins: &TrustedOrigins, uri: &str) -> bool {
        origins
            .precheck(&RequestHead::of(&http::Request::get(uri).body(()).unwrap()))
            .is_none()
    }

    #[test]
    fn only_listed_origins_are_trusted() {
        let origins = TrustedOrigins::none()
            .allow("https://A.example:8443")
            .unwrap()
            .allow_insecure("http://b.example")
            .unwrap();
        for (uri, is_trusted) in [
            ("https://a.example:8443/x", true),
            ("https://A.EXAMPLE.:08443/x", true),
            ("https://a.example/x", false),
            ("http://a.example:8443/x", false),
            ("http://b.example/", true),
            ("http://b.example:80/", true),
            ("https://b.example/", false),
            ("https://b.example:80/", false),
            ("https://u@a.example:8443/", false),
            ("http://localhost/", false),
            ("https://api.cloud.yandex.net/", false),
        ] {
            assert_eq!(trusted(&origins, uri), is_trusted, "{uri}");
        }
    }

    #[test]
    fn list_refuses_scheme_of_other_list() {
        let none = TrustedOrigins::none();
        assert_eq!(
            none.clone().allow("http://a.example").unwrap_err(),
            Reason::Insecure.into()
        );
        assert_eq!(
            none.clone().allow("http://127.0.0.1").unwrap_err(),
            Reason::Insecure.into()
        );
        assert_eq!(
            none.allow_insecure("https://a.example").unwrap_err(),
            Reason::Secure.into()
        );
    }

    #[test]
    fn adding_to_clone_leaves_original() {
        let one = TrustedOrigins::none().allow("https://a.example").unwrap();
        let two = one.clone().allow("https://b.example").unwrap();
        assert!(trusted(&two, "https://a.example/") && trusted(&two, "https://b.example/"));
        assert!(!trusted(&one, "https://b.example/"));
    }

    #[test]
    fn given_origin_is_judged_as_authority() {
        let listed = TrustedOrigins::yandex_cloud()
            .allow("https://a.example:8443")
            .unwrap()
            .allow_insecure("http://b.example")
            .unwrap();
        let at = |origins: &TrustedOrigins, origin: &str, uri: &str| {
            let request = http::Request::get(uri).body(()).unwrap();
            let origin = Origin::parse(origin).unwrap();
            let head = RequestHead::of(&request).with_origin(&origin);
            origins.precheck(&head).is_none()
        };
        for (origin, trusted) in [
            ("https://serverless-workflows.api.cloud.yandex.net", true),
            ("https://A.B.api.cloud.yandex.net.:443/", true),
            ("https://A.example:08443", true),
            ("http://b.example:80", true),
            ("https://a.example", false),
            ("http://a.example:8443", false),
            ("https://b.example", false),
            ("http://iam.api.cloud.yandex.net", false),
            ("https://iam.api.cloud.yandex.net:8443", false),
            ("https://evilapi.cloud.yandex.net", false),
            ("http://127.0.0.1:1", false),
        ] {
            assert_eq!(at(&listed, origin, "/x"), trusted, "{origin}");
            // An authority in the URI takes precedence.
            assert!(at(&listed, origin, "https://a.example:8443/x"), "{origin}");
            assert!(!at(&listed, origin, "https://evil.example/x"), "{origin}");
            // The rules on paths apply as without an origin.
            assert!(!at(&listed, origin, "//a.example/x"), "{origin}");
        }
        let loopback = TrustedOrigins::none().allow_loopback();
        assert!(at(&loopback, "http://[::1]:1", "/x"));
        let any = TrustedOrigins::none().allow_any_https();
        assert!(at(&any, "https://evil.example", "/x"));
    }

    #[test]
    fn host_field_must_name_given_origin() {
        let origin = Origin::parse("https://iam.api.cloud.yandex.net").unwrap();
        for (host, trusted) in [
            ("IAM.api.cloud.yandex.net:443", true),
            ("iam.api.cloud.yandex.net:8443", false),
            ("evil.example", false),
        ] {
            let request = http::Request::get("/x").header("host", host).body(());
            let request = request.unwrap();
            let head = RequestHead::of(&request).with_origin(&origin);
            let decision = TrustedOrigins::yandex_cloud().precheck(&head);
            assert_eq!(decision.is_none(), trusted, "{host}");
        }
    }
}
