//! The layer, its services and their futures: one request, from `call` to the response.

mod auth_override;
mod authorize;
pub(crate) mod challenge;
mod error;
mod future;
mod grpc;
mod layer;
mod service;

pub use self::auth_override::AuthOverride;
pub use self::error::AuthError;
pub use self::future::ResponseFuture;
pub use self::grpc::{GrpcAuth, GrpcAuthLayer, GrpcResponseFuture};
pub use self::layer::AuthLayer;
pub use self::service::Auth;
