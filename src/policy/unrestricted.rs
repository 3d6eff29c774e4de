//! No rule at all.

use super::{Decision, Policy, RequestHead};
use crate::credential::Credential;

/// Always attach, whatever the scheme, the host and the method. For transports that reach one
/// trusted place only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unrestricted;

impl Policy for Unrestricted {
    #[inline]
    fn decide(&self, _: &RequestHead<'_>, _: &Credential) -> Decision {
        Decision::Attach
    }
}
