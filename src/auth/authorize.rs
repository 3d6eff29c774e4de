//! Asks the policy, then sets or removes the header.

use http::{HeaderMap, Request, header};

use crate::credential::Credential;
use crate::policy::{Decision, Denial, Origin, Policy, RequestHead};

/// The head that the policy judges: sent to `origin` if the URI has no authority.
#[inline(always)]
pub(super) fn head<'a, B>(request: &'a Request<B>, origin: Option<&'a Origin>) -> RequestHead<'a> {
    let head = RequestHead::of(request);
    match origin {
        Some(origin) => head.with_origin(origin),
        None => head,
    }
}

/// Sets or removes the header as the policy decides. Returns whether the credential is attached.
#[inline(always)]
pub(super) fn authorize<P: Policy, B>(
    policy: &P,
    origin: Option<&Origin>,
    request: &mut Request<B>,
    credential: &Credential,
) -> Result<bool, Denial> {
    match policy.decide(&head(request, origin), credential) {
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

/// Removes the header, also one that the caller set.
pub(super) fn strip(headers: &mut HeaderMap) {
    headers.remove(header::AUTHORIZATION);
}
