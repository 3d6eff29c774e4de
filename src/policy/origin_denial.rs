//! Why [`TrustedOrigins`] denies a request.

use http::Uri;

use super::authority::{Origin, Target};
use super::decision::Decision;
use super::denial::Denial;
use super::method::leaks;
use super::origin::TrustedOrigins;
use super::request_head::RequestHead;
use super::request_target::names_no_host;

const HOST: &str = "credentials go only where the `Host` field and the URI agree";
const HTTPS: &str = "credentials go only over `https`";
const METHOD: &str = "credentials never go with TRACE or CONNECT";
const ONE_HOST: &str = "credentials go only with one `Host` field";
const ORIGIN: &str = "credentials go only to trusted origins";
const PATH: &str = "credentials go only with a path that names no other host";
const URI: &str = "credentials go only to a whole URI with a plain host, a readable port, and no \
     user name";

impl TrustedOrigins {
    /// Denies the request. `policy` is the type to which the user can add an origin.
    #[cold]
    pub(super) fn deny(&self, request: &RequestHead<'_>, policy: &str) -> Decision {
        let (rule, allowed) = self.reason(request, policy);
        Decision::Deny(Denial::new(rule, request).allowed(allowed))
    }

    /// The rule that the request breaks, and what would be allowed.
    fn reason(&self, request: &RequestHead<'_>, policy: &str) -> (&'static str, String) {
        if leaks(request.method) {
            return (METHOD, "other methods".to_owned());
        }
        match request.target() {
            None if !request.is_unbound() => self.unreadable(request.uri, policy),
            _ if !names_no_host(request) => (PATH, "a path that starts with one `/`".to_owned()),
            None => (ONE_HOST, "one `Host` field that is not empty".to_owned()),
            Some(target) if self.includes(target) => {
                let allowed = "one `Host` field, with the host and port of the URI";
                (HOST, allowed.to_owned())
            }
            Some(target) => self.untrusted(target, policy),
        }
    }

    fn unreadable(&self, uri: &Uri, policy: &str) -> (&'static str, String) {
        let other_scheme = uri.scheme().is_some() && !Target::knows_scheme_of(uri);
        let rule = if other_scheme { HTTPS } else { URI };
        (rule, self.summary(policy, "allow"))
    }

    fn untrusted(&self, target: Target<'_>, policy: &str) -> (&'static str, String) {
        let setter = match target {
            target if target.is_loopback() => "allow_loopback",
            target if target.is_https() => "allow",
            _ => "allow_insecure",
        };
        // "Only over `https`" would be wrong where an `http` origin is allowed.
        let only_https = !self.loopback && self.listed().iter().all(Origin::is_https);
        let rule = if only_https && setter == "allow_insecure" {
            HTTPS
        } else {
            ORIGIN
        };
        (rule, self.summary(policy, setter))
    }

    fn summary(&self, policy: &str, setter: &str) -> String {
        let mut allowed: Vec<String> = self.listed().iter().map(Origin::to_string).collect();
        let domain = self.domain();
        allowed.extend(
            domain
                .map(|domain| format!("https to {domain} and hosts under it on the default port")),
        );
        for (flag, what) in [
            (self.any_https, "https to any host"),
            (self.loopback, "http and https to loopback"),
        ] {
            allowed.extend(flag.then(|| what.to_owned()));
        }
        allowed.push(format!("what `{policy}::{setter}` adds"));
        allowed.join(", ")
    }
}
