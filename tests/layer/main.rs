//! What the layer adds to a service, what it returns to it, and what its types are.

mod api_key;
mod auto_traits;
mod excluded;
mod grpc_status;
mod inner;
mod last_handle;
mod origin;
mod permit;
mod stacked;
mod support;
#[path = "../support/token.rs"]
mod token;
