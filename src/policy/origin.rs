//! Where any credential may go, whatever its scheme: [`TrustedOrigins`].

use std::sync::Arc;

use http::uri::Scheme;
use http::{Method, Uri};

use super::authority::{InvalidRule, Origin, Reason, Target};
use super::{Decision, Denial, Policy, RequestHead};
use crate::credential::Credential;

/// The one domain of Yandex Cloud's APIs. What users publish is served under other names.
const YANDEX_CLOUD: &str = "api.cloud.yandex.net";

/// Credentials go only over `https` and to listed origins, and never with `TRACE` or `CONNECT`.
///
/// An origin is scheme, host and port *(RFC 9110 §4.3.1)*. Hosts are compared in lower case with
/// one trailing dot off, and the default port is the same as none. A URI with a user name, a zone,
/// or a port that is empty or unreadable is refused, as are other schemes, such as `wss`. What is
/// compared is the request's URI, not its `Host` field.
///
/// A URI without authority (as tonic sends it, also the `*` of `OPTIONS`) passes: only the
/// transport under the layer knows where it leads, so let that transport reach one trusted place.
/// Nor is a redirect seen that the transport follows by itself: switch that off there.
///
/// `TRACE` would echo the credential, and `CONNECT` would hand it to a proxy. What a request asks
/// of a trusted origin is not looked at; that is [`ExecutionOnly`](super::ExecutionOnly)'s part.
///
/// # Clone
///
/// Clones share the list and allocate nothing.
///
/// # Examples
///
/// A private installation beside the public cloud, and a fake on this machine for tests:
///
/// ```
/// use yandex_cloud_auth::TrustedOrigins;
///
/// let trusted = TrustedOrigins::yandex_cloud().allow("https://workflows.corp.example:8443")?.allow_loopback();
/// assert!(trusted.allow("http://workflows.corp.example").is_err());
/// # Ok::<(), yandex_cloud_auth::InvalidRule>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrustedOrigins {
    any_https: bool,
    loopback: bool,
    yandex_cloud: bool,
    listed: Option<Arc<Vec<Origin>>>,
}

impl TrustedOrigins {
    /// No origin yet.
    pub const fn none() -> Self {
        Self {
            any_https: false,
            loopback: false,
            yandex_cloud: false,
            listed: None,
        }
    }

    /// `https` to `api.cloud.yandex.net` and the hosts under it, on the default port.
    pub const fn yandex_cloud() -> Self {
        let mut origins = Self::none();
        origins.yandex_cloud = true;
        origins
    }

    /// Adds one origin, written `https://host` or `https://host:port`.
    ///
    /// # Errors
    ///
    /// [`InvalidRule`] when it is written otherwise, or its scheme is `http`: see
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
    #[must_use]
    pub const fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Adds every `https` origin there is: whoever chooses the URI of a request is then handed the
    /// credential.
    #[must_use]
    pub const fn allow_any_https(mut self) -> Self {
        self.any_https = true;
        self
    }

    /// Adds one plain `http` origin, written `http://host` or `http://host:port`. All on the way
    /// there can read the credential.
    ///
    /// # Errors
    ///
    /// [`InvalidRule`] when it is written otherwise or its scheme is `https`, which needs no
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
        Arc::make_mut(self.listed.get_or_insert_default()).push(origin);
        self
    }

    fn listed(&self) -> &[Origin] {
        self.listed.as_deref().map_or(&[], Vec::as_slice)
    }

    #[inline(always)]
    pub(super) fn trust(&self, request: &RequestHead<'_>) -> bool {
        if leaks(request.method) {
            return false;
        }
        match (request.uri.scheme(), request.uri.authority()) {
            (None, None) => request.origin.is_none_or(|origin| self.trusts(origin)),
            (Some(scheme), Some(authority))
                if self.yandex_cloud
                    && scheme.as_str() == "https"
                    && is_usual(authority.as_str()) =>
            {
                true
            }
            _ => self.list(request.uri),
        }
    }

    /// Whether this trusts the origin that the layer was given.
    #[inline(never)]
    fn trusts(&self, origin: &Origin) -> bool {
        (self.yandex_cloud && origin.is_https() && is_usual(origin.authority()))
            || origin.target().is_some_and(|target| self.hold(target))
    }

    #[inline(never)]
    fn list(&self, uri: &Uri) -> bool {
        self.listed().iter().any(|origin| origin.is_spelled_in(uri))
            || Target::of(uri).is_some_and(|target| self.hold(target))
    }

    fn hold(&self, target: Target<'_>) -> bool {
        (target.is_https()
            && (self.any_https || (self.yandex_cloud && target.is_within(YANDEX_CLOUD))))
            || (self.loopback && target.is_loopback())
            || self.listed().iter().any(|origin| origin.is(target))
    }

    #[cold]
    fn deny(&self, request: &RequestHead<'_>) -> Decision {
        if leaks(request.method) {
            return Decision::Deny(
                Denial::new("credentials never go with TRACE or CONNECT", request)
                    .allowed("other methods"),
            );
        }
        let rule = match (request.uri.scheme(), request.origin) {
            (Some(scheme), _) if *scheme != Scheme::HTTPS => "credentials go only over `https`",
            (None, Some(origin)) if !origin.is_https() => "credentials go only over `https`",
            (None, Some(_)) if request.uri.authority().is_none() => {
                "credentials go only to trusted origins"
            }
            _ if Target::of(request.uri).is_none() => {
                "credentials go only to a whole URI with a plain host, a readable port, and no user name"
            }
            _ => "credentials go only to trusted origins",
        };
        Decision::Deny(Denial::new(rule, request).allowed(self.summary()))
    }

    fn summary(&self) -> String {
        let mut allowed: Vec<String> = self.listed().iter().map(Origin::to_string).collect();
        for (flag, what) in [
            (
                self.yandex_cloud,
                "https to api.cloud.yandex.net and hosts under it on the default port",
            ),
            (self.any_https, "https to any host"),
            (self.loopback, "http and https to loopback"),
        ] {
            allowed.extend(flag.then(|| what.to_owned()));
        }
        allowed.push("what `TrustedOrigins::allow` adds".to_owned());
        allowed.join(", ")
    }
}

impl Policy for TrustedOrigins {
    #[inline]
    fn decide(&self, request: &RequestHead<'_>, _: &Credential) -> Decision {
        if self.trust(request) {
            Decision::Attach
        } else {
            self.deny(request)
        }
    }

    fn precheck(&self, request: &RequestHead<'_>) -> Option<Decision> {
        if self.trust(request) {
            None
        } else {
            Some(self.deny(request))
        }
    }
}

/// Whether `authority` is a host of Yandex Cloud as it is usually written: one label, Workflows'
/// above all, and the domain.
// Two short comparisons are made in place, where one of the whole would be a call.
#[inline]
fn is_usual(authority: &str) -> bool {
    let label = authority.strip_suffix(YANDEX_CLOUD);
    label.is_some_and(|label| label == "serverless-workflows." || is_usual_label(label))
}

/// Whether `label`, with its dot, is of lower-case letters, digits and hyphens.
#[inline(never)]
fn is_usual_label(label: &str) -> bool {
    let label = label.strip_suffix('.').unwrap_or_default();
    !label.is_empty()
        && label
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Whether the method gives what is sent with it to somebody else *(RFC 9110 §9.3.6, §9.3.8)*.
#[inline]
const fn leaks(method: &Method) -> bool {
    matches!(*method, Method::CONNECT | Method::TRACE)
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
    fn only_what_is_listed_is_trusted() {
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
    fn a_list_takes_each_scheme_at_its_own_door() {
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
    fn adding_to_a_clone_leaves_the_first_alone() {
        let one = TrustedOrigins::none().allow("https://a.example").unwrap();
        let two = one.clone().allow("https://b.example").unwrap();
        assert!(trusted(&two, "https://a.example/") && trusted(&two, "https://b.example/"));
        assert!(!trusted(&one, "https://b.example/"));
    }
}
