//! Secrets are sent, but never printed, logged or in an error.

mod canary;
mod echoes;
mod events;
mod key_spellings;
mod panics;
mod settings;
#[path = "../support/mod.rs"]
mod support;
mod values;
