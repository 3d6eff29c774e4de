//! The optional settings of a layer, behind one pointer.

use std::sync::Arc;
use std::time::SystemTime;

use crate::credential::Credential;
use crate::policy::Origin;

/// The parts of a layer that most layers do not have. A service without them carries a null
/// pointer.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras {
    pub(super) api_key: Option<Credential>,
    pub(super) origin: Option<Origin>,
}

impl Extras {
    /// The origin that these give to requests without authority.
    #[inline]
    pub(super) fn origin(extras: &Option<Arc<Self>>) -> Option<&Origin> {
        extras.as_deref()?.origin.as_ref()
    }

    /// The API key, unless it has expired. The clock is read only for a key that expires.
    pub(super) fn api_key(&self, now: impl FnOnce() -> SystemTime) -> Option<&Credential> {
        let key = self.api_key.as_ref()?;
        match key.expires_at() {
            Some(at) if at <= now() => None,
            _ => Some(key),
        }
    }
}
