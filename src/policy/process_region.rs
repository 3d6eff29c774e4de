//! The region of this process, which the default policy trusts.

use std::sync::LazyLock;

use super::origin::TrustedOrigins;
use super::region::Region;

/// The origins of the region that `YC_ENDPOINT` names. `None` if that is Russia, which the default
/// policy trusts anyway, or no region.
static PROCESS_REGION: LazyLock<Option<TrustedOrigins>> = LazyLock::new(|| {
    let region = Region::from_env().ok()?;
    let is_other = region != Region::russia() && is_of_api(region.domain());
    is_other.then(|| TrustedOrigins::region(&region))
});

/// Whether the domain is that of an API, which starts with `api` in every region. Its parent, such
/// as `yandexcloud.net`, also serves user content.
fn is_of_api(domain: &str) -> bool {
    domain
        .strip_prefix("api.")
        .is_some_and(|parent| parent.contains('.'))
}

pub(super) fn process_region() -> Option<&'static TrustedOrigins> {
    PROCESS_REGION.as_ref()
}
