//! Two policies together.

use super::{Decision, Policy, RequestHead};
use crate::credential::Credential;

/// Two policies as one, made by [`Policy::and`]: [`Decision::Deny`] beats [`Decision::Skip`] beats
/// [`Decision::Attach`].
#[derive(Clone, Copy, Debug, Default)]
pub struct And<P, Q> {
    first: P,
    second: Q,
}

impl<P, Q> And<P, Q> {
    pub(super) const fn new(first: P, second: Q) -> Self {
        Self { first, second }
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
            // One that skips alone must wait: the other may still refuse once it has seen the
            // credential.
            _ => None,
        }
    }
}
