//! Pages that belong to no single item: [which identity to use](identities), and [what each feature
//! costs](features).

#[doc = include_str!("identities.md")]
pub mod identities {}

#[doc = include_str!("features.md")]
pub mod features {}
