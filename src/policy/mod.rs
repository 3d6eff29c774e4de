//! Whether a credential may go with a request: the [`Policy`] trait and its implementations.

mod and;
mod api_key;
mod authority;
mod decision;
mod denial;
mod function;
mod host_field;
mod invalid_rule;
mod method;
mod origin;
mod origin_denial;
mod path;
mod presets;
mod process_region;
mod region;
mod request_head;
mod request_target;
mod unrestricted;
mod workflows;
mod workflows_at;

use std::sync::Arc;

pub use self::and::And;
pub use self::api_key::{ApiKeyRules, ExecutionOnly};
pub(crate) use self::authority::Origin;
pub use self::decision::Decision;
pub use self::denial::Denial;
pub use self::function::{PolicyFn, policy_fn};
pub use self::invalid_rule::InvalidRule;
pub use self::origin::TrustedOrigins;
pub use self::presets::CloudService;
pub use self::region::Region;
pub use self::request_head::RequestHead;
pub use self::unrestricted::Unrestricted;
pub use self::workflows::Workflows;
pub use self::workflows_at::WorkflowsAt;
use crate::credential::Credential;

/// Decides per request whether a credential may go with it.
///
/// A policy is called for every request and is cloned with the service: it must not block, and its
/// clones are cheap. It must judge what will be sent, byte for byte, and deny what it does not
/// know.
///
/// A function `Fn(&RequestHead<'_>, &Credential) -> Decision` and an `Arc` of a policy are
/// policies. For a closure, [`policy_fn`] spares the types of its arguments.
///
/// # Examples
///
/// Besides the default rule, only `GET`:
///
/// ```
/// use http::Method;
/// use yandex_cloud_auth::{
///     AuthLayer, Credential, Decision, Denial, Policy, RequestHead, Workflows,
/// };
///
/// fn read_only(request: &RequestHead<'_>, _: &Credential) -> Decision {
///     match *request.method {
///         Method::GET => Decision::Attach,
///         _ => Decision::Deny(Denial::new("this service only reads", request).allowed("GET")),
///     }
/// }
///
/// let policy = Workflows::new().and(read_only);
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?).with_policy(policy);
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy",
    label = "expected a type that implements `Policy`",
    note = "wrap a closure: `policy_fn(|head, credential| …)`",
    note = "a `Result` of a constructor is unwrapped with `?`"
)]
pub trait Policy {
    /// Decides whether `credential` may go with `request`.
    fn decide(&self, request: &RequestHead<'_>, credential: &Credential) -> Decision;

    /// Decides before a credential is waited for: returns what is denied or skipped whatever the
    /// credential is.
    ///
    /// A request to a foreign host thus starts no fetch. `None`, the default, and
    /// [`Decision::Attach`] leave the decision to [`decide`](Self::decide).
    fn precheck(&self, request: &RequestHead<'_>) -> Option<Decision> {
        let _ = request;
        None
    }

    /// Combines this policy with `other`: [`Decision::Deny`] of either wins over
    /// [`Decision::Skip`] of either, which wins over [`Decision::Attach`].
    fn and<Q: Policy>(self, other: Q) -> And<Self, Q>
    where
        Self: Sized,
    {
        And {
            first: self,
            second: other,
        }
    }
}

impl<P: Policy, Q: Policy> Policy for And<P, Q> {
    #[inline]
    fn decide(&self, request: &RequestHead<'_>, credential: &Credential) -> Decision {
        match self.first.decide(request, credential) {
            Decision::Attach => self.second.decide(request, credential),
            Decision::Deny(denial) => Decision::Deny(denial),
            Decision::Skip => match self.second.decide(request, credential) {
                Decision::Deny(denial) => Decision::Deny(denial),
                Decision::Attach | Decision::Skip => Decision::Skip,
            },
        }
    }

    fn precheck(&self, request: &RequestHead<'_>) -> Option<Decision> {
        match (self.first.precheck(request), self.second.precheck(request)) {
            (Some(Decision::Deny(denial)), _) | (_, Some(Decision::Deny(denial))) => {
                Some(Decision::Deny(denial))
            }
            (Some(Decision::Skip), Some(Decision::Skip)) => Some(Decision::Skip),
            // The other one may still deny, once it has the credential.
            _ => None,
        }
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
