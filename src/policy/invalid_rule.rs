//! The error of a text that is not a valid rule.

use std::error::Error;
use std::fmt;

/// Why a text is not a valid origin, path prefix, service name or domain of a rule. Prints what is
/// wrong, never the text.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::Workflows;
///
/// let error = Workflows::new().allow("https://gateway.example/api").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "invalid origin: it has more than scheme, host and port, leave the rest out"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRule {
    reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Domain,
    Host,
    Insecure,
    Path,
    Port,
    Prefix,
    Scheme,
    Secure,
    Service,
    UserInfo,
}

impl From<Reason> for InvalidRule {
    fn from(reason: Reason) -> Self {
        Self { reason }
    }
}

impl fmt::Display for InvalidRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            Reason::Domain => {
                "invalid region: the domain is not a host name of two or more labels, such as \
                 api.example.net, without scheme, port and path, or it looks like a secret"
            }
            Reason::Host => {
                "invalid origin: the host is neither a name of ASCII letters, digits, `-` and `_` \
                 nor an IP address without zone"
            }
            Reason::Insecure => {
                "invalid origin: over `http` the network can read the credential, use `https`"
            }
            Reason::Path => {
                "invalid origin: it has more than scheme, host and port, leave the rest out"
            }
            Reason::Port => "invalid origin: the port is not a number from 0 to 65535",
            Reason::Prefix => {
                "invalid path prefix: it must start with `/` and have no empty or dot segment (no \
                 `/` at the end), no `%`, `;` or `\\`, and only visible ASCII"
            }
            Reason::Scheme => "invalid origin: it does not start with `https://` or `http://`",
            Reason::Secure => "invalid origin: `https` needs no exception, list it with `allow`",
            Reason::Service => {
                "invalid gRPC service: it is not a full name, words of letters, digits and `_` \
                 with dots between"
            }
            Reason::UserInfo => {
                "invalid origin: it has a user name or password before the host, leave it out"
            }
        })
    }
}

impl Error for InvalidRule {}
