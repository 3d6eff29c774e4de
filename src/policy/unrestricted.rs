//! No rule at all.

use super::Policy;
use super::decision::Decision;
use super::request_head::RequestHead;
use crate::credential::Credential;

/// Attaches the credential to every request, whatever its scheme, host and method.
///
/// For transports that reach one trusted place only.
///
/// # Examples
///
/// For a client of one sidecar on a Unix socket, which passes requests on over TLS:
///
/// ```
/// use yandex_cloud_auth::{AuthLayer, Credential, Unrestricted};
///
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?).with_policy(Unrestricted);
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Unrestricted;

impl Policy for Unrestricted {
    #[inline]
    fn decide(&self, _: &RequestHead<'_>, _: &Credential) -> Decision {
        Decision::Attach
    }
}
