//! The part of a request that a policy judges.

use http::{Extensions, HeaderMap, Method, Request, Uri, Version};

use super::authority::{Origin, Target};

/// A request without its body, as it will be sent and before the credential is added.
///
/// # Examples
///
/// To test a policy, make one of any request:
///
/// ```
/// use yandex_cloud_auth::{Credential, Decision, Policy, RequestHead, Workflows};
///
/// let key = Credential::api_key("AQVNexample")?;
/// let request = http::Request::get("https://example.com/").body(())?;
/// let decision = Workflows::new().decide(&RequestHead::of(&request), &key);
/// assert!(matches!(decision, Decision::Deny(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target. A URI without authority, as tonic's requests have it, goes where the transport
    /// under the layer sends it.
    pub uri: &'a Uri,
    /// The protocol version.
    pub version: Version,
    /// The header fields.
    pub headers: &'a HeaderMap,
    /// The extensions.
    pub extensions: &'a Extensions,
    /// The origin that a URI without authority goes to, if the layer was given one.
    pub(super) origin: Option<&'a Origin>,
}

impl<'a> RequestHead<'a> {
    /// The head of `request`.
    #[inline]
    pub fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            extensions: request.extensions(),
            origin: None,
        }
    }

    /// The same head, sent to `origin` if its URI has no authority.
    #[inline]
    pub(crate) const fn with_origin(self, origin: &'a Origin) -> Self {
        Self {
            origin: Some(origin),
            ..self
        }
    }

    /// Where the request goes, if that is known and readable.
    pub(super) fn target(&self) -> Option<Target<'a>> {
        match (self.uri.authority(), self.origin) {
            (None, Some(origin)) => origin.target(),
            _ => Target::of(self.uri),
        }
    }

    /// Whether the transport alone decides where the request goes.
    pub(super) fn is_unbound(&self) -> bool {
        self.uri.authority().is_none() && self.origin.is_none()
    }
}
