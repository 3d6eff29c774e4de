//! A closure as a policy.

use std::fmt;

use super::Policy;
use super::decision::Decision;
use super::request_head::RequestHead;
use crate::credential::Credential;

/// Makes a policy of a closure, whose arguments then need no types.
///
/// # Examples
///
/// ```
/// use http::Method;
/// use yandex_cloud_auth::{Decision, Denial, Policy, Workflows, policy_fn};
///
/// let read_only = policy_fn(|head, _| match *head.method {
///     Method::GET => Decision::Attach,
///     _ => Decision::Deny(Denial::new("this service only reads", head).allowed("GET")),
/// });
/// let policy = Workflows::new().and(read_only);
/// ```
///
/// # Compile errors
///
/// Without this function, the compiler infers a closure that takes references of one lifetime only,
/// and says that it "is not general enough":
///
/// ```compile_fail
/// use yandex_cloud_auth::{Decision, Policy, Workflows};
///
/// let anything = |_, _| Decision::Attach;
/// let policy = Workflows::new().and(anything);
/// ```
pub const fn policy_fn<F>(decide: F) -> PolicyFn<F>
where
    F: Fn(&RequestHead<'_>, &Credential) -> Decision,
{
    PolicyFn { decide }
}

/// A closure as a policy, made by [`policy_fn`].
///
/// # Examples
///
/// A function pointer gives the layer a type that can be written, for example in a struct:
///
/// ```
/// use yandex_cloud_auth::{AuthLayer, Credential, Decision, PolicyFn, RequestHead, policy_fn};
///
/// type Read = fn(&RequestHead<'_>, &Credential) -> Decision;
///
/// fn read(head: &RequestHead<'_>, _: &Credential) -> Decision {
///     if head.method.is_safe() { Decision::Attach } else { Decision::Skip }
/// }
///
/// struct Clients {
///     reader: AuthLayer<PolicyFn<Read>>,
/// }
///
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
/// let clients = Clients { reader: auth.with_policy(policy_fn(read as Read)) };
/// # let Clients { reader: _ } = clients;
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct PolicyFn<F> {
    decide: F,
}

impl<F> Policy for PolicyFn<F>
where
    F: Fn(&RequestHead<'_>, &Credential) -> Decision,
{
    #[inline]
    fn decide(&self, request: &RequestHead<'_>, credential: &Credential) -> Decision {
        (self.decide)(request, credential)
    }
}

impl<F> fmt::Debug for PolicyFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyFn").finish_non_exhaustive()
    }
}
