//! Whether a credential may go with a request: the [`Policy`] trait and its members.

mod and;
mod api_key;
mod authority;
mod denial;
mod origin;
mod path;
mod unrestricted;
mod workflows;

use std::sync::Arc;

use http::{Extensions, HeaderMap, Method, Request, Uri, Version};

pub use self::and::And;
pub use self::api_key::{ApiKeyRules, ExecutionOnly};
pub use self::authority::InvalidRule;
pub(crate) use self::authority::Origin;
pub use self::denial::Denial;
pub use self::origin::TrustedOrigins;
pub use self::unrestricted::Unrestricted;
pub use self::workflows::Workflows;
use crate::credential::Credential;

/// All of a request but its body, as a [`Policy`] sees it: just what will be sent.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target. Without an authority (tonic's way) the origin is the business of the transport
    /// below.
    pub uri: &'a Uri,
    /// The protocol version.
    pub version: Version,
    /// The header fields, before the credential is written.
    pub headers: &'a HeaderMap,
    /// The extensions.
    pub extensions: &'a Extensions,
    /// Where a request goes whose URI has no authority, if the layer knows.
    origin: Option<&'a Origin>,
}

impl<'a> RequestHead<'a> {
    /// The head of `request`.
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
    pub(crate) const fn with_origin(self, origin: &'a Origin) -> Self {
        Self {
            origin: Some(origin),
            ..self
        }
    }
}

/// What a [`Policy`] decides of one request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Decision {
    /// Send it with the credential.
    Attach,
    /// Do not send it; the caller gets the [`Denial`].
    Deny(Denial),
    /// Send it without credentials.
    Skip,
}

/// Decides per request whether a credential may go with it.
///
/// A policy is asked on the warm path of every request and is cloned with the service: it neither
/// blocks nor waits, and its clones are cheap. It must judge what will be sent, byte for byte, and
/// refuse what it does not know.
///
/// A closure `Fn(&RequestHead<'_>, &Credential) -> Decision` and an `Arc` of a policy are policies.
///
/// # Examples
///
/// Besides the default rule, only `GET`:
///
/// ```
/// use http::Method;
/// use yandex_cloud_auth::{AuthLayer, Credential, Decision, Denial, Policy, RequestHead, Workflows};
///
/// fn read_only(request: &RequestHead<'_>, _: &Credential) -> Decision {
///     match *request.method {
///         Method::GET => Decision::Attach,
///         _ => Decision::Deny(Denial::new("this service only reads", request).allowed("GET")),
///     }
/// }
///
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?).with_policy(Workflows::new().and(read_only));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
pub trait Policy {
    /// Whether `credential` may go with `request`.
    fn decide(&self, request: &RequestHead<'_>, credential: &Credential) -> Decision;

    /// Asked before a credential is waited for: what would be refused or skipped whatever the
    /// credential is.
    ///
    /// A request to a foreign host thus starts no fetch. `None`, the default, and
    /// [`Decision::Attach`] leave it to [`decide`](Self::decide).
    fn precheck(&self, request: &RequestHead<'_>) -> Option<Decision> {
        let _ = request;
        None
    }

    /// Both this policy and `other`: a refusal by either counts first, then a skip by either.
    fn and<Q: Policy>(self, other: Q) -> And<Self, Q>
    where
        Self: Sized,
    {
        And::new(self, other)
    }
}

impl<P: Policy + ?Sized> Policy for Arc<P> {
    #[inline]
    fn decide(&self, request: &RequestHead<'_>, credential: &Credential) -> Decision {
        (**self).decide(request, credential)
    }

    fn precheck(&self, request: &RequestHead<'_>) -> Option<Decision> {
        (**self).precheck(request)
    }
}

impl<F> Policy for F
where
    F: Fn(&RequestHead<'_>, &Credential) -> Decision,
{
    #[inline]
    fn decide(&self, request: &RequestHead<'_>, credential: &Credential) -> Decision {
        self(request, credential)
    }
}
