//! The region of this process, which the default policy trusts.

use std::sync::LazyLock;

use super::origin::TrustedOrigins;
use super::region::Region;

/// The origins of the region that `YC_ENDPOINT` names. `None` if that is Russia, which the default
/// policy trusts anyway, or no region. The domain starts with `api`, as in every region: under a
/// domain above it, such as `yandexcloud.net`, is user content.
static PROCESS_REGION: LazyLock<Option<TrustedOrigins>> = LazyLock::new(|| {
    let region = Region::from_env().ok()?;
    let is_other = region != Region::russia() && region.domain().starts_with("api.");
    is_other.then(|| TrustedOrigins::region(&region))
});

pub(super) fn process_region() -> Option<&'static TrustedOrigins> {
    PROCESS_REGION.as_ref()
}
