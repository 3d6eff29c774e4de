//! Sends one request of a network provider through any tower service, and reads a response of
//! bounded size.
//!
//! A [`Client`] has an endpoint and a [`Transport`]. Nothing here retries, follows a redirect,
//! decompresses or reads a proxy variable. The cache limits how long a fetch takes.

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
