//! The region of this process, which the default policy trusts.

use std::sync::LazyLock;

use super::origin::TrustedOrigins;
use super::region::Region;

/// The origins of the region that `YC_ENDPOINT` names. `None` if that is Russia, which the default
/// policy trusts anyway, or no region.
static PROCESS_REGION: LazyLock<Option<TrustedOrigins>> = LazyLock::new(|| {
    let region = Region::from_env().ok()?;
    (region != Region::russia()).then(|| TrustedOrigins::region(&region))
});

pub(super) fn process_region() -> Option<&'static TrustedOrigins> {
    PROCESS_REGION.as_ref()
}
