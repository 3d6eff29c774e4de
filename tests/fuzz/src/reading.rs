//! A second reading of the documented rules, written for clarity: the crate must agree with it.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::HOST;
use http::{HeaderMap, Method, Uri};

const EXECUTION: &str = "/workflows/v1/execution";
const EXECUTION_SERVICE: &str = "/yandex.cloud.serverless.workflows.v1.ExecutionService/";
const DOMAIN: &str = "api.cloud.yandex.net";

/// Whether the text is a token: `token68` *(RFC 9110 §11.2)*, also with `=` before a dot.
pub(crate) fn is_token68(text: &str) -> bool {
    let is_part = |part: &str| {
        let part = part.trim_end_matches('=');
        part.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_~+/".contains(&byte))
    };
    text.split('.').all(is_part) && !text.is_empty() && !text.starts_with('=')
}

/// Whether the path is of the Execution resource, over REST or gRPC.
pub(crate) fn is_execution(path: &str) -> bool {
    let is_method = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    is_below(path, EXECUTION) || path.strip_prefix(EXECUTION_SERVICE).is_some_and(is_method)
}

/// Whether the path is the prefix or below it, and each reader sees the same segments.
pub(crate) fn is_below(path: &str, prefix: &str) -> bool {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let expected: Vec<_> = prefix.split('/').skip(1).collect();
    path.starts_with('/')
        && segments.starts_with(&expected)
        && !segments
            .iter()
            .any(|segment| ["", ".", ".."].contains(segment))
        && path.bytes().all(|byte| (0x21..0x7f).contains(&byte))
        && !path.contains(['%', ';', '\\', '?', '#'])
}

/// What a policy trusts.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    pub(crate) any_https: bool,
    pub(crate) listed: Vec<Origin>,
    pub(crate) loopback: bool,
    pub(crate) yandex_cloud: bool,
}

/// Scheme, host in its canonical spelling, and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) scheme: String,
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Name(String),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Origin {
    /// Reads the text of a rule.
    pub(crate) fn of_rule(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        Self::read(
            &scheme.to_ascii_lowercase(),
            authority.strip_suffix('/').unwrap_or(authority),
        )
    }

    /// Reads a URI that has an authority.
    pub(crate) fn of_uri(uri: &Uri) -> Option<Self> {
        Self::read(uri.scheme_str()?, uri.authority()?.as_str())
    }

    fn read(scheme: &str, authority: &str) -> Option<Self> {
        let default = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, number(port)?),
            _ => (authority, default),
        };
        let host = Host::read(host)?;
        let scheme = scheme.to_owned();
        Some(Self { scheme, host, port })
    }

    fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Name(name) => name == "localhost",
            Host::V4(address) => address.octets()[0] == 127,
            Host::V6(address) => *address == Ipv6Addr::LOCALHOST,
        }
    }

    fn is_yandex_cloud(&self) -> bool {
        let Host::Name(name) = &self.host else {
            return false;
        };
        let is_host = name == DOMAIN || name.ends_with(&format!(".{DOMAIN}"));
        is_host && self.scheme == "https" && self.port == 443
    }
}

impl Host {
    fn read(text: &str) -> Option<Self> {
        if let Some(text) = text.strip_prefix('[') {
            return text.strip_suffix(']')?.parse().ok().map(Self::V6);
        }
        if let Ok(address) = text.parse() {
            return Some(Self::V4(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let labels: Vec<_> = name.split('.').collect();
        let is_label = |label: &&str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let ends_in_number = is_number(labels.last()?);
        (labels.iter().all(is_label) && !ends_in_number).then_some(Self::Name(name))
    }
}

/// Whether a label is a decimal or hexadecimal number, as in odd spellings of an address.
fn is_number(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit())
        || label
            .strip_prefix("0x")
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn number(port: &str) -> Option<u16> {
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|_| is_number)
}

/// Whether a credential may go with the request. A URI without authority goes to a place that is
/// not known here.
pub(crate) fn is_trusted(method: &Method, uri: &Uri, headers: &HeaderMap, trust: &Trust) -> bool {
    let leaks = ["TRACE", "CONNECT"]
        .iter()
        .any(|m| method.as_str().eq_ignore_ascii_case(m));
    let is_asterisk = uri.path() == "*" && method == Method::OPTIONS;
    let is_unbound = uri.authority().is_none() && uri.scheme().is_none();
    let names_host = ["//", "/\\"]
        .iter()
        .any(|start| uri.path().starts_with(start));
    let origin = Origin::of_uri(uri);
    let goes_to_trusted_place = match &origin {
        Some(origin) => trust.includes(origin),
        None => is_unbound && !names_host,
    };
    !leaks
        && (uri.path().starts_with('/') || is_asterisk)
        && goes_to_trusted_place
        && host_agrees(headers, origin.as_ref())
}

/// Whether the `Host` field, if there is one, names the origin.
fn host_agrees(headers: &HeaderMap, origin: Option<&Origin>) -> bool {
    let fields: Vec<_> = headers.get_all(HOST).iter().collect();
    let host = match fields[..] {
        [] => return true,
        [host] => host.to_str().ok(),
        _ => None,
    };
    host.is_some_and(|host| match origin {
        Some(origin) => Origin::read(&origin.scheme, host).as_ref() == Some(origin),
        None => !host.trim().is_empty(),
    })
}

impl Trust {
    fn includes(&self, origin: &Origin) -> bool {
        self.listed.contains(origin)
            || (self.loopback && origin.is_loopback())
            || (self.any_https && origin.scheme == "https")
            || (self.yandex_cloud && origin.is_yandex_cloud())
    }
}
