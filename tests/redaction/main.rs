//! A secret is sent, and is neither printed, nor logged, nor in an error.

mod canary;
mod echoes;
mod events;
mod panics;
#[path = "../support/mod.rs"]
mod support;
mod values;
