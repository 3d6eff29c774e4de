//! What a policy decides.

use super::denial::Denial;

/// What a [`Policy`](super::Policy) decides about one request.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub enum Decision {
    /// Send it with the credential.
    Attach,
    /// Do not send it. The caller gets the [`Denial`].
    Deny(Denial),
    /// Send it without credentials.
    Skip,
}
