//! The gRPC side of Workflows, as far as tests need it: messages and clients of
//! `yandex.cloud.serverless.workflows.v1`.
//!
//! Written by hand after the public `.proto` files of `yandex-cloud/cloudapi`. Fields that no test
//! has asked for are left out, which a receiver of Protocol Buffers does not mind. A `oneof` of a
//! single member is written as the optional field it is on the wire.

mod client;
mod execution;
pub(super) mod rpc;
mod workflow;

pub use self::client::{ExecutionServiceClient, WorkflowServiceClient};
pub use self::execution::*;
pub use self::workflow::*;

/// A point in time, `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Timestamp {
    /// Whole seconds since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds after that, 0 to 999 999 999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// A span of time, `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds after that, of the same sign.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}
