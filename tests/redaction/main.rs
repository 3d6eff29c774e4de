//! Secrets are sent, but never printed, logged or in an error.

mod canary;
mod echoes;
mod events;
mod key_spellings;
#[path = "../support/listener.rs"]
mod listener;
mod panics;
mod settings;
mod values;
