//! The fake cloud follows the documentation of the real one, and fails on demand.

mod audit;
mod client;
mod exchange;
mod faults;
mod iam;
mod life;
mod metadata;
mod sdk;
mod workflows;
#[path = "../support/workflows_routes.rs"]
mod workflows_routes;
