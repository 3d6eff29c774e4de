//! The policies of the crate beside a second reading of their rules, on the url crate.

pub mod case;
pub mod random;
pub mod reading;
