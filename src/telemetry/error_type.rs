//! The kind of an error, as a field and a label.

use crate::error::ProviderError;

/// The kind of an error, from a fixed set.
pub(super) fn error_type(error: &ProviderError) -> &'static str {
    if error.is_permanent() {
        "permanent"
    } else if error.is_transient() {
        "transient"
    } else {
        "not_configured"
    }
}
