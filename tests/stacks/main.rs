//! The stacks that users build around the layer, with real sockets. One file per stack.

mod client;
#[path = "../support/listener.rs"]
mod listener;
mod order;
mod server;
#[path = "../support/token.rs"]
mod token;
mod tonic_calls;
mod tonic_channels;
mod tonic_interceptors;
mod tonic_refusals;
mod tonic_replay;
mod tonic_trailers;
