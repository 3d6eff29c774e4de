//! Scheme, host and port: read from the text that will be sent, compared by what they mean.

use std::fmt;
use std::net::IpAddr;

use http::Uri;

use super::invalid_rule::{InvalidRule, Reason};

const HTTP: &str = "http";
const HTTPS: &str = "https";

/// An origin that a rule names, in its canonical spelling: lower case, no trailing dot, no default
/// port. Two are the same origin if their texts are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: &'static str,
    authority: Box<str>,
}

impl Origin {
    /// Reads `scheme://host[:port]`. One `/` at the end is ignored.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidRule> {
        let (scheme, rest) = text.split_once("://").ok_or(Reason::Scheme)?;
        let scheme = known_scheme(&scheme.to_ascii_lowercase()).ok_or(Reason::Scheme)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(Reason::Path.into());
        }
        Ok(Self {
            scheme,
            authority: Target::read(scheme, authority)?.authority().into(),
        })
    }

    pub(super) fn is_https(&self) -> bool {
        self.scheme == HTTPS
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.target().is_some_and(|target| target.is_loopback())
    }

    pub(super) fn target(&self) -> Option<Target<'_>> {
        Target::read(self.scheme, &self.authority).ok()
    }

    /// Whether `uri` has this origin. The canonical spelling is tried first.
    pub(super) fn is_of(&self, uri: &Uri) -> bool {
        self.is_spelled_in(uri) || self.is_meant_by(uri)
    }

    pub(super) fn is_spelled_in(&self, uri: &Uri) -> bool {
        uri.authority()
            .is_some_and(|authority| *authority.as_str() == *self.authority)
            && uri.scheme_str() == Some(self.scheme)
    }

    #[cold]
    fn is_meant_by(&self, uri: &Uri) -> bool {
        Target::of(uri).is_some_and(|target| self.is(target))
    }

    pub(super) fn is(&self, target: Target<'_>) -> bool {
        self.target() == Some(target)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// The origin of a URI. Two are equal if the same connection would serve both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    scheme: &'static str,
    host: Host<'a>,
    port: u16,
}

#[derive(Clone, Copy, Debug)]
enum Host<'a> {
    Address(IpAddr),
    /// Without the trailing dot, in any case of letters.
    Name(&'a str),
}

impl<'a> Target<'a> {
    /// `None` if the scheme or the authority is absent or unreadable.
    pub(super) fn of(uri: &'a Uri) -> Option<Self> {
        // The scheme's spelling counts: some connectors use no TLS for a hand-built `HTTPS`.
        let scheme = known_scheme(uri.scheme_str()?)?;
        Self::read(scheme, uri.authority()?.as_str()).ok()
    }

    fn read(scheme: &'static str, authority: &'a str) -> Result<Self, Reason> {
        if authority.contains('@') {
            return Err(Reason::UserInfo);
        }
        let end_of_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
        let (host, port) = match authority[end_of_host..].find(':') {
            Some(colon) => (
                &authority[..end_of_host + colon],
                port(&authority[end_of_host + colon + 1..])?,
            ),
            None => (authority, default_port(scheme)),
        };
        Ok(Self {
            scheme,
            host: Host::read(host)?,
            port,
        })
    }

    /// Reads the value of a `Host` field, for a request of this scheme.
    pub(super) fn with_host(self, host: &str) -> Option<Target<'_>> {
        Target::read(self.scheme, host).ok()
    }

    pub(super) fn is_https(&self) -> bool {
        self.scheme == HTTPS
    }

    /// Whether the scheme of `uri` is one that [`Target::of`] reads.
    pub(super) fn knows_scheme_of(uri: &Uri) -> bool {
        uri.scheme_str().and_then(known_scheme).is_some()
    }

    /// Whether it is this machine: `localhost` is the one name for it *(RFC 6761 §6.3)*.
    pub(super) fn is_loopback(&self) -> bool {
        match self.host {
            Host::Address(address) => address.is_loopback(),
            Host::Name(name) => name.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Whether it is `domain` or a host under it, on the default port.
    pub(super) fn is_within(&self, domain: &str) -> bool {
        let Host::Name(name) = self.host else {
            return false;
        };
        let Some((above, tail)) = name
            .len()
            .checked_sub(domain.len())
            .and_then(|at| name.split_at_checked(at))
        else {
            return false;
        };
        (above.is_empty() || above.ends_with('.'))
            && tail.eq_ignore_ascii_case(domain)
            && self.port == default_port(self.scheme)
    }

    fn authority(&self) -> String {
        let host = match self.host {
            Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
            Host::Address(IpAddr::V4(address)) => address.to_string(),
            Host::Name(name) => name.to_ascii_lowercase(),
        };
        if self.port == default_port(self.scheme) {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

impl PartialEq for Target<'_> {
    fn eq(&self, other: &Self) -> bool {
        let same_host = match (self.host, other.host) {
            (Host::Address(one), Host::Address(other)) => one == other,
            (Host::Name(one), Host::Name(other)) => one.eq_ignore_ascii_case(other),
            _ => false,
        };
        same_host && self.scheme == other.scheme && self.port == other.port
    }
}

impl<'a> Host<'a> {
    fn read(text: &'a str) -> Result<Self, Reason> {
        if let Some(literal) = text.strip_prefix('[') {
            let address = literal
                .strip_suffix(']')
                .and_then(|literal| literal.parse().ok());
            return address
                .map(|address| Self::Address(IpAddr::V6(address)))
                .ok_or(Reason::Host);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        host_name(text).map(Self::Name).ok_or(Reason::Host)
    }
}

/// A host name, without its trailing dot.
pub(super) fn host_name(text: &str) -> Option<&str> {
    let name = text.strip_suffix('.').unwrap_or(text);
    (name.split('.').all(is_label) && !ends_in_number(name)).then_some(name)
}

/// A name must not: it is an address in a spelling (`127.1`, `127.0x1`, `127.0.0.1.`) that
/// resolvers read differently *(URL standard, "ends in a number checker")*.
fn ends_in_number(name: &str) -> bool {
    let label = name.rsplit('.').next().unwrap_or_default();
    let hexadecimal = label.strip_prefix("0x").or(label.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Digits only: the parser of `u16` accepts a sign.
fn port(text: &str) -> Result<u16, Reason> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(Reason::Port)
}

fn known_scheme(text: &str) -> Option<&'static str> {
    [HTTP, HTTPS].into_iter().find(|known| *known == text)
}

fn default_port(scheme: &str) -> u16 {
    if scheme == HTTPS { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> Option<String> {
        let uri = uri.parse::<Uri>().unwrap();
        Target::of(&uri).map(|target| format!("{}://{}", target.scheme, target.authority()))
    }

    #[test]
    fn origin_has_one_canonical_spelling() {
        for (text, canonical) in [
            ("https://a.example", "https://a.example"),
            ("HTTPS://A.Example.:443/", "https://a.example"),
            ("https://a.example:0443", "https://a.example"),
            ("https://a.example:80", "https://a.example:80"),
            ("http://a.example:80", "http://a.example"),
            ("http://a.example:443", "http://a.example:443"),
            (
                "https://xn--80ak6aa92e.example",
                "https://xn--80ak6aa92e.example",
            ),
            ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
            ("https://[0:0::0:1]:443", "https://[::1]"),
            ("https://[::FFFF:1.2.3.4]:1", "https://[::ffff:1.2.3.4]:1"),
            ("https://[fe80::]:443", "https://[fe80::]"),
            ("https://under_score.example", "https://under_score.example"),
            ("https://a.0xyz", "https://a.0xyz"),
        ] {
            assert_eq!(
                Origin::parse(text).unwrap().to_string(),
                canonical,
                "{text}"
            );
            assert_eq!(target(text).unwrap(), canonical, "{text}");
        }
    }

    #[test]
    fn origins_are_compared_by_meaning() {
        for (origin, uri, same) in [
            ("https://[::1]", "https://[0:0::1]", true),
            ("https://[::1]", "https://[::2]", false),
            ("https://127.0.0.1:1", "https://127.0.0.1:2", false),
            ("https://a.example", "https://A.Example.:443", true),
            ("https://a.example", "https://b.example", false),
            ("https://a.example", "http://a.example:443", false),
            ("https://a.example", "https://[::1]", false),
        ] {
            let uri = uri.parse::<Uri>().unwrap();
            let origin = Origin::parse(origin).unwrap();
            assert_eq!(origin.is_of(&uri), same, "{origin} {uri}");
        }
    }

    #[test]
    fn invalid_origin_is_refused_with_reason() {
        for (text, reason) in [
            ("", Reason::Scheme),
            ("a.example", Reason::Scheme),
            ("//a.example", Reason::Scheme),
            ("wss://a.example", Reason::Scheme),
            (" https://a.example", Reason::Scheme),
            ("https://", Reason::Host),
            ("https://:443", Reason::Host),
            ("https://.", Reason::Host),
            ("https://a..example", Reason::Host),
            ("https://a.example..", Reason::Host),
            ("https://.a.example", Reason::Host),
            ("https://*.a.example", Reason::Host),
            ("https://a.example ", Reason::Host),
            ("https://é.example", Reason::Host),
            ("https://a%2eexample", Reason::Host),
            ("https://::1", Reason::Port),
            ("https://127.1", Reason::Host),
            ("https://127.0.0.1.", Reason::Host),
            ("https://0177.0.0.1", Reason::Host),
            ("https://2130706433", Reason::Host),
            ("https://127.0x1", Reason::Host),
            ("https://0X7F000001", Reason::Host),
            ("https://a.0x.", Reason::Host),
            ("https://[::1", Reason::Port),
            ("https://[::1]x", Reason::Host),
            ("https://[fe80::1%25eth0]", Reason::Host),
            ("https://[v1.x]", Reason::Host),
            ("https://a.example:", Reason::Port),
            ("https://a.example:+443", Reason::Port),
            ("https://a.example:65536", Reason::Port),
            ("https://a.example:1:2", Reason::Port),
            ("https://u@a.example", Reason::UserInfo),
            ("https://u:p@a.example", Reason::UserInfo),
            ("https://a.example/x", Reason::Path),
            ("https://a.example//", Reason::Path),
            ("https://a.example?x", Reason::Path),
            ("https://a.example#x", Reason::Path),
            ("https://a.example\\x", Reason::Path),
        ] {
            assert_eq!(Origin::parse(text).unwrap_err(), reason.into(), "{text:?}");
            // A URI that `http` accepts all the same has no target, except for a path.
            if reason != Reason::Path && text.contains("://") && text.parse::<Uri>().is_ok() {
                assert_eq!(target(text), None, "{text:?}");
            }
        }
    }

    #[test]
    fn loopback_is_canonical_address_or_localhost() {
        for (host, is_loopback) in [
            ("127.0.0.1", true),
            ("127.255.0.9", true),
            ("[::1]", true),
            ("[0:0:0:0:0:0:0:1]", true),
            ("localhost", true),
            ("LocalHost.", true),
            ("127.0.0.1.", false),
            ("127.1", false),
            ("127.0.0", false),
            ("0x7f.0.0.1", false),
            ("0177.0.0.1", false),
            ("127.00.0.1", false),
            ("2130706433", false),
            ("0.0.0.0", false),
            ("[::]", false),
            ("[::ffff:127.0.0.1]", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("a.localhost", false),
            ("128.0.0.1", false),
        ] {
            let origin = Origin::parse(&format!("http://{host}:1"));
            assert_eq!(
                origin.is_ok_and(|origin| origin.is_loopback()),
                is_loopback,
                "{host}"
            );
        }
    }

    #[test]
    fn domain_includes_subdomains_on_default_port() {
        for (uri, within) in [
            ("https://api.example", true),
            ("https://A.Api.Example.:443", true),
            ("https://a.b.api.example", true),
            ("https://evilapi.example", false),
            ("https://api.example.evil", false),
            ("https://api.example:444", false),
            ("https://.api.example", false),
            ("https://pi.example", false),
            ("https://[::1]", false),
        ] {
            let uri = uri.parse::<Uri>().unwrap();
            assert_eq!(
                Target::of(&uri).is_some_and(|target| target.is_within("api.example")),
                within,
                "{uri}"
            );
        }
    }
}
