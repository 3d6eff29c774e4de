//! The layer with hyper-util's client and tonic's channel, against a fake cloud on loopback.

mod outages;
mod region;
mod rejected;
mod routes;
#[path = "../support/server.rs"]
mod server;
mod support;
mod wire;
#[path = "../support/workflows_routes.rs"]
mod workflows_routes;
