//! The recipes for reqwest in `src/docs/stacks.md`, each in a file of its own that the page repeats.

pub mod authenticate;
pub mod client;
