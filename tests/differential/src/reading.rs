//! The rules once more, from their sentences in the documentation and with the url crate.
//!
//! The url crate follows the URL standard of browsers. Where it reads a text as something else than
//! is written, such as `127.1` or `a/../b`, the rules say no.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

const SERVICE: &str = "yandex.cloud.serverless.workflows.v1.ExecutionService";

/// What is written in a request.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub hosts: &'a [String],
    /// The origin of requests without authority, if the layer was given one.
    pub origin: Option<&'a str>,
}

/// The origins that credentials may go to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trusted {
    pub domain: Option<&'static str>,
    pub origins: &'static [&'static str],
    pub loopback: bool,
    pub any_https: bool,
}

/// Scheme, host and port.
#[derive(Debug, PartialEq)]
struct Origin {
    scheme: String,
    host: Host<String>,
    port: u16,
}

impl Origin {
    fn read(text: &str) -> Option<Self> {
        let authority = text.split_once("://")?.1.split(['/', '?', '#']).next()?;
        let url = Url::parse(text).ok()?;
        // "A URI with a user name, a zone id, or a port that is empty or unreadable is denied."
        if authority.contains(['@', '%', '\\', '\t']) || authority.ends_with(':') {
            return None;
        }
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: host(&url, authority)?,
            port: url.port_or_known_default()?,
        })
    }
}

/// "Hosts are compared in lower case with one trailing dot removed, IP addresses by value."
fn host(url: &Url, authority: &str) -> Option<Host<String>> {
    match url.host()? {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name.split('.')
                .all(is_label)
                .then(|| Host::Domain(name.to_owned()))
        }
        Host::Ipv4(address) => {
            let written = authority.split(':').next()?;
            (address.to_string() == written).then_some(Host::Ipv4(address))
        }
        Host::Ipv6(address) => Some(Host::Ipv6(address)),
    }
}

/// A label of a host name *(RFC 1123 §2.1)*, or one with `_`, as the DNS has it.
fn is_label(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.chars().all(is_plain)
}

impl Trusted {
    /// Whether a request may carry a credential. `None` if the url crate cannot say: it refuses to
    /// read `xn--` labels that stand for no text.
    pub fn allows(&self, written: Written<'_>) -> Option<bool> {
        let forms = [written.target].into_iter().chain(written.origin);
        let unread = forms
            .chain(written.hosts.iter().map(String::as_str))
            .any(|text| text.to_ascii_lowercase().contains("xn--") && !reads(text));
        if unread {
            return None;
        }
        Some(!discloses(written.method) && self.allows_target(written))
    }

    fn allows_target(&self, written: Written<'_>) -> bool {
        let Written { method, target, .. } = written;
        if target == "*" {
            // "A path must start with `/`, except the `*` of `OPTIONS`."
            return method == "OPTIONS" && self.allows_at_origin(written);
        }
        if target.starts_with('/') {
            return stays(target) && self.allows_at_origin(written);
        }
        match Origin::read(target) {
            Some(origin) => self.includes(&origin) && names(written.hosts, &origin),
            None => false,
        }
    }

    /// "A URI without authority is judged by the origin that the layer was given. Where it was
    /// given none, the request passes."
    fn allows_at_origin(&self, written: Written<'_>) -> bool {
        match written.origin {
            Some(origin) => Origin::read(origin)
                .is_some_and(|origin| self.includes(&origin) && names(written.hosts, &origin)),
            None => match written.hosts {
                [] => true,
                [host] => host.is_ascii() && !host.trim().is_empty(),
                _ => false,
            },
        }
    }

    fn includes(&self, origin: &Origin) -> bool {
        let is_https = origin.scheme == "https";
        let known = is_https || origin.scheme == "http";
        let listed = self
            .origins
            .iter()
            .any(|listed| Origin::read(listed).as_ref() == Some(origin));
        listed
            || (self.any_https && is_https)
            || (self.loopback && known && is_loopback(&origin.host))
            || (is_https && origin.port == 443 && self.is_within_domain(&origin.host))
    }

    fn is_within_domain(&self, host: &Host<String>) -> bool {
        match (self.domain, host) {
            (Some(domain), Host::Domain(name)) => {
                name == domain || name.ends_with(&format!(".{domain}"))
            }
            _ => false,
        }
    }
}

fn reads(text: &str) -> bool {
    match text.contains("://") {
        true => Url::parse(text).is_ok(),
        false => Url::parse(&format!("https://{text}")).is_ok(),
    }
}

/// "Never with `TRACE` or `CONNECT`, in any case of letters."
fn discloses(method: &str) -> bool {
    ["TRACE", "CONNECT"].contains(&&*method.to_ascii_uppercase())
}

fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => IpAddr::V4(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
    }
}

/// "A `Host` field must name the host and port of the URI. A second one and an empty one are
/// denied."
fn names(hosts: &[String], origin: &Origin) -> bool {
    match hosts {
        [] => true,
        [host] => {
            let is_plain =
                host.chars().all(|c| c.is_ascii_graphic()) && !host.contains(['/', '?', '#']);
            let read = Origin::read(&format!("{}://{host}/", origin.scheme));
            is_plain && read.as_ref() == Some(origin)
        }
        _ => false,
    }
}

/// Whether a browser that resolves the path stays at its host.
fn stays(path: &str) -> bool {
    let base = Url::parse("https://base.invalid/").expect("a URL");
    base.join(path)
        .is_ok_and(|url| url.host_str() == Some("base.invalid"))
}

/// The methods that API keys are for.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForKeys {
    /// Origins, and the segments that a path there starts with.
    pub rest: &'static [(&'static str, &'static [&'static str])],
    /// Origins where every path is allowed.
    pub origins: &'static [&'static str],
}

impl ForKeys {
    /// Whether a request is one for the Execution resource of Workflows, or a listed one.
    pub fn allows(&self, written: Written<'_>) -> bool {
        let segments = plain_segments(written.target);
        let names: Vec<&str> = segments.iter().flatten().map(String::as_str).collect();
        let sent_to = SentTo::read(written);
        is_execution(&names)
            || self.origins.iter().any(|origin| sent_to.is(origin, false))
            || self.rest.iter().any(|(origin, prefix)| {
                // "Where the layer was given no origin, only the path counts."
                names.starts_with(prefix) && sent_to.is(origin, true)
            })
    }
}

/// Where a request goes, if that is known and readable.
#[derive(Debug)]
enum SentTo {
    Origin(Option<Origin>),
    Unknown,
}

impl SentTo {
    fn read(written: Written<'_>) -> Self {
        let has_authority = !written.target.starts_with('/') && written.target != "*";
        match (has_authority, written.origin) {
            (true, _) => Self::Origin(Origin::read(written.target)),
            (false, Some(origin)) => Self::Origin(Origin::read(origin)),
            (false, None) => Self::Unknown,
        }
    }

    fn is(&self, listed: &str, unknown: bool) -> bool {
        match self {
            Self::Origin(origin) => origin.is_some() && *origin == Origin::read(listed),
            Self::Unknown => unknown,
        }
    }
}

fn is_execution(segments: &[&str]) -> bool {
    match segments {
        ["workflows", "v1", "execution", ..] => true,
        [SERVICE, method] => method
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_'),
        _ => false,
    }
}

/// The segments of a path that every server reads in one way.
fn plain_segments(target: &str) -> Option<Vec<String>> {
    let path = written_path(target)?;
    let url = Url::parse("https://base.invalid").expect("a URL");
    let url = url.join(&path).ok()?;
    // "Judged byte for byte as it will be sent": the url crate must not have changed it.
    let same = percent_decode_str(url.path()).eq(path.bytes());
    let plain = path.chars().all(|c| c.is_ascii_graphic()) && !path.contains(['%', ';']);
    let segments: Vec<String> = url.path_segments()?.map(str::to_owned).collect();
    (same && plain && !segments.iter().any(String::is_empty)).then_some(segments)
}

/// The path of the target without its query.
fn written_path(target: &str) -> Option<String> {
    let path = if target.starts_with('/') {
        target
    } else {
        let rest = target.split_once("://")?.1;
        let start = rest.find(['/', '?', '#'])?;
        &rest[start..]
    };
    let path = path.split(['?', '#']).next()?;
    Some(path.to_owned())
}
