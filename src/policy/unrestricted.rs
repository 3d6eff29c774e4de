//! No rule at all.

use super::Policy;
use super::decision::Decision;
use super::request_head::RequestHead;
use crate::credential::Credential;

/// Attaches the credential to every request, whatever its scheme, host and method.
///
/// For transports that reach one trusted place only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unrestricted;

impl Policy for Unrestricted {
    #[inline]
    fn decide(&self, _: &RequestHead<'_>, _: &Credential) -> Decision {
        Decision::Attach
    }
}
