//! What is fuzzed: each target is a function of bytes that panics where a promise of the crate does
//! not hold.
//!
//! The targets use the public API only. `corpus/NAME` has the inputs that a search found for the
//! target NAME; `tests/corpus.rs` of the crate replays them.

mod answer;
mod clock;
mod credential;
mod expiry;
mod input;
mod key_file;
mod layer;
mod network;
mod origin;
mod path;
mod reading;
mod retry_after;

/// Runs one input. Panics where a promise does not hold.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 8] = [
    ("answer", answer::run),
    ("credential", credential::run),
    ("expiry", expiry::run),
    ("key_file", key_file::run),
    ("layer", layer::run),
    ("origin", origin::run),
    ("path", path::run),
    ("retry_after", retry_after::run),
];
