//! The endpoint of a provider: `scheme://host[:port]`.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::Authority;

use crate::error::ProviderError;
use crate::redact;

/// An origin to which a documented path is appended, or why the text is not an origin.
#[derive(Clone)]
pub(crate) struct Endpoint(Result<String, String>);

impl Endpoint {
    /// Parses the text, which errors call `name`. An invalid text is an error of
    /// [`join`](Self::join), since a setter has no error.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        // Never quotes the text: it may be invalid because it contains a password.
        Self(origin(text).map_err(|reason| format!("{name} {reason}")))
    }

    /// No origin, and the reason, which is an error of [`join`](Self::join).
    #[cfg(feature = "workload-identity")]
    pub(super) fn unknown(reason: String) -> Self {
        Self(Err(reason))
    }

    /// The origin, unless it is invalid or may be a secret.
    pub(super) fn shown(&self) -> Option<String> {
        self.0.as_ref().ok().map(|origin| redact::setting(origin))
    }

    /// The URL of `path` at this endpoint.
    pub(crate) fn join(&self, path: &str) -> Result<Uri, ProviderError> {
        let origin = self
            .0
            .as_ref()
            .map_err(|reason| ProviderError::permanent(reason.clone()))?;
        format!("{origin}{path}")
            .parse()
            .map_err(ProviderError::permanent)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(origin) => fmt::Debug::fmt(&redact::setting(origin), f),
            Err(reason) => f.write_str(reason),
        }
    }
}

fn origin(text: &str) -> Result<String, &'static str> {
    const SHAPE: &str = "is not a URL of the form `scheme://host[:port]`";
    if text.contains(['#', '?', '@', '\\']) {
        return Err(SHAPE);
    }
    let uri: Uri = text.parse().map_err(|_| SHAPE)?;
    let (Some(scheme), Some(authority), "" | "/") = (uri.scheme_str(), uri.authority(), uri.path())
    else {
        return Err(SHAPE);
    };
    if !has_valid_port(authority) {
        return Err("has a port that is not a number from 1 to 65535");
    }
    match scheme {
        "https" => {}
        "http" if is_link_local(authority.host()) => {}
        "http" => {
            return Err(
                "is plain http, which is for loopback and link-local addresses only: use https",
            );
        }
        _ => return Err("is neither https nor http"),
    }
    Ok(format!("{scheme}://{authority}"))
}

/// `Authority` accepts `host:99999` and `host:`, and returns no port for them.
fn has_valid_port(authority: &Authority) -> bool {
    authority.as_str() == authority.host() || authority.port_u16().is_some_and(|port| port != 0)
}

/// Whether plain `http` to this host stays on this machine or on its link.
fn is_link_local(host: &str) -> bool {
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    if let Some(v6) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return v6
            .parse::<Ipv6Addr>()
            .is_ok_and(|ip| ip.is_loopback() || ip.is_unicast_link_local());
    }
    host.parse::<Ipv4Addr>()
        .is_ok_and(|ip| ip.is_loopback() || ip.is_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_appended_to_origin() {
        for (endpoint, url) in [
            ("https://iam.example", "https://iam.example/p"),
            ("https://iam.example/", "https://iam.example/p"),
            ("HTTPS://IAM.example:8443", "https://IAM.example:8443/p"),
            ("http://127.0.0.1:80", "http://127.0.0.1:80/p"),
            ("http://127.9.9.9", "http://127.9.9.9/p"),
            ("http://localhost:8080", "http://localhost:8080/p"),
            ("http://[::1]:8080", "http://[::1]:8080/p"),
            ("http://169.254.169.254", "http://169.254.169.254/p"),
            ("http://[fe80::1]", "http://[fe80::1]/p"),
        ] {
            assert_eq!(
                Endpoint::new("the endpoint", endpoint)
                    .join("/p")
                    .unwrap()
                    .to_string(),
                url
            );
        }
    }

    #[test]
    fn invalid_endpoint_is_permanent_and_not_shown() {
        for endpoint in [
            "",
            "canary",
            "canary.example:443",
            "https://",
            "https:///canary",
            "https://canary.example/path",
            "https://canary.example?q",
            "https://canary.example#f",
            "https://user:canary@host",
            "https://canary\\evil",
            "https://canary.example:99999",
            "https://canary.example:0",
            "https://canary.example:",
            "https://can ary",
            "ftp://canary.example",
            "http://canary.example",
            "http://10.0.0.1",
            "http://localhost.canary",
            "http://127.1",
            "http://0x7f.0.0.1",
            "http://[::ffff:127.0.0.1]",
            "http://[fe80::1%25eth0]",
            "http://[fec0::1]",
        ] {
            let error = Endpoint::new("the endpoint", endpoint)
                .join("/p")
                .unwrap_err();
            assert!(
                error.is_permanent() && error.to_string().starts_with("the endpoint "),
                "{endpoint}"
            );
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }
}
