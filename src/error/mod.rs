//! The error types that every other module may return.

mod error_chain;
mod provider;

use std::error::Error;

pub(crate) use self::error_chain::with_causes;
pub use self::provider::ProviderError;

/// Any error, as tower's middleware returns it.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
