//! Two policies together.

/// Two policies as one, made by [`Policy::and`](super::Policy::and):
/// [`Decision::Deny`](super::Decision::Deny) wins over [`Decision::Skip`](super::Decision::Skip),
/// which wins over [`Decision::Attach`](super::Decision::Attach).
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct And<P, Q> {
    pub(super) first: P,
    pub(super) second: Q,
}
