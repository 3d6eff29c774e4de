//! The stacks that users build around the layer, with real sockets. One file per stack.

mod bodies;
mod client;
#[path = "../support/listener.rs"]
mod listener;
mod order;
#[path = "../support/server.rs"]
mod raw_server;
mod rest;
mod server;
#[allow(dead_code, reason = "its `main` is called by Cargo")]
#[path = "../../examples/start_execution.rs"]
mod start_execution;
mod targets;
#[path = "../support/token.rs"]
mod token;
mod tonic_calls;
mod tonic_channels;
mod tonic_interceptors;
mod tonic_replay;
mod tonic_statuses;
mod tonic_trailers;
