//! Two policies together.

/// Two policies as one, made by [`Policy::and`](super::Policy::and):
/// [`Decision::Deny`](super::Decision::Deny) wins over [`Decision::Skip`](super::Decision::Skip),
/// which wins over [`Decision::Attach`](super::Decision::Attach).
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{And, ExecutionOnly, Policy, TrustedOrigins};
///
/// struct Client {
///     policy: And<TrustedOrigins, ExecutionOnly>,
/// }
///
/// let client = Client { policy: TrustedOrigins::none().allow_loopback().and(ExecutionOnly) };
/// # let Client { policy: _ } = client;
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct And<P, Q> {
    pub(super) first: P,
    pub(super) second: Q,
}
