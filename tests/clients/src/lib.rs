//! The recipes of `src/docs/clients.md`, each in a file of its own that the page repeats.

pub mod otlp;
pub mod reqwest;
#[expect(clippy::result_large_err, reason = "the type is tonic's")]
pub mod tonic;
pub mod websocket;
