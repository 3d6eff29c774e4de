//! Requests and responses: listeners, credentials, errors and faults.

pub(crate) mod access;
pub(crate) mod fault;
pub(crate) mod gate;
pub(crate) mod host;
pub(crate) mod json;
pub(crate) mod payload;
pub(crate) mod server;
pub(crate) mod status;
pub(crate) mod tls;
