//! How a network provider asks: one request in, one bounded answer out, through any tower service.
//!
//! A [`Client`] is an [`Endpoint`] (where) and a [`Transport`] (through what). Nothing here
//! retries, follows a redirect, decompresses or reads a proxy variable; how long it may all take is
//! the cache's business.

#[cfg(feature = "_network")]
mod client;
#[cfg(feature = "_network")]
mod endpoint;
#[cfg(feature = "_network")]
mod erased;
#[cfg(feature = "_network")]
mod response;

#[cfg(feature = "hyper-client")]
mod hyper;
#[cfg(feature = "hyper-client")]
mod roots;

#[cfg(feature = "_network")]
pub(crate) use self::{client::Client, erased::Transport, response::Response};

#[cfg(feature = "hyper-client")]
pub use self::hyper::{HttpsTransport, HttpsTransportBuilder};
