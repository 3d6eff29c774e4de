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
