//! Helpers that several identities share.

#[cfg(any(feature = "metadata", feature = "workload-identity"))]
pub(crate) mod availability;
#[cfg(feature = "_network")]
pub(crate) mod network;
#[cfg(any(
    feature = "file",
    feature = "service-account",
    feature = "workload-identity"
))]
pub(crate) mod small_file;
pub(crate) mod text;
