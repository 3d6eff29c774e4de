//! The main job with real parts: hyper-util's client, tonic's channel, the layer between, and a
//! fake cloud on loopback.

mod outages;
mod refused;
mod routes;
#[path = "../support/server.rs"]
mod server;
mod support;
mod wire;
