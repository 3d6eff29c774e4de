//! The layers, their services and response futures.

mod auth_override;
mod authorize;
mod challenge;
#[cfg(doctest)]
mod compile_errors;
mod error;
mod exclusive;
mod extras;
mod future;
mod grpc;
mod grpc_status;
mod layer;
mod send;
mod service;
mod slow_path;
mod trailers;

pub use self::auth_override::AuthOverride;
#[cfg(feature = "retry")]
pub(crate) use self::challenge::CredentialReplaced;
pub use self::error::AuthError;
pub use self::future::ResponseFuture;
pub use self::grpc::{GrpcAuth, GrpcAuthLayer, GrpcResponseFuture};
pub use self::layer::AuthLayer;
pub use self::service::Auth;
pub use self::trailers::{WatchTrailers, WatchTrailersFuture, WatchTrailersLayer, WatchedBody};
