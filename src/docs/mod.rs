//! Pages for reading: no code.
//!
//! * [`identities`]: every identity, its environment, its life and its errors.
//! * [`features`]: what each feature brings in.

#[doc = include_str!("features.md")]
pub mod features {}
#[doc = include_str!("identities.md")]
pub mod identities {}
