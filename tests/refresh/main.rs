//! The credential cache: single flight, renewal, expiry, failures and drops.

mod clocks;
mod cool_down;
mod drops;
mod fleet;
mod get_valid_for;
mod idle;
mod limits;
#[path = "../support/polling.rs"]
mod polling;
mod renewal;
mod runtime;
mod simulation;
mod single_flight;
mod static_credential;
mod status;
mod support;
mod threads;
mod timer;
#[path = "../support/token.rs"]
mod token;
mod waiting;
