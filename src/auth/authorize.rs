//! The policy decides, then the header is written or removed.

use http::{HeaderMap, Request, header};

use crate::credential::Credential;
use crate::policy::{Decision, Denial, Policy, RequestHead};

/// Asks the policy and writes or removes the header accordingly. Returns whether the credential is
/// attached.
#[inline(always)]
pub(super) fn authorize<P: Policy, B>(
    policy: &P,
    request: &mut Request<B>,
    credential: &Credential,
) -> Result<bool, Denial> {
    match policy.decide(&RequestHead::of(request), credential) {
        Decision::Attach => {
            let value = credential.header_value().clone();
            request.headers_mut().insert(header::AUTHORIZATION, value);
            Ok(true)
        }
        Decision::Deny(denial) => Err(denial),
        Decision::Skip => {
            strip(request.headers_mut());
            Ok(false)
        }
    }
}

/// Removes the header, also one that the caller wrote.
pub(super) fn strip(headers: &mut HeaderMap) {
    headers.remove(header::AUTHORIZATION);
}
