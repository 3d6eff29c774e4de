//! Messages and gRPC clients of `yandex.cloud.serverless.workflows.v1`, as far as tests need them.
//!
//! They are written by hand after the public `.proto` files of `yandex-cloud/cloudapi`, without the
//! fields that no test uses. A `oneof` is optional fields here, which have the same encoding.
//!
//! # Examples
//!
//! [`ExecutionServiceClient`] and [`WorkflowServiceClient`] call [`FakeCloud`](super::FakeCloud).
//! A test with a server of its own encodes and decodes the messages:
//!
//! ```
//! use prost::Message;
//! use yandex_cloud_auth::testing::proto::StartExecutionResponse;
//!
//! let response = StartExecutionResponse { execution_id: "dfe0".to_owned() };
//! let bytes = response.encode_to_vec();
//! assert_eq!(StartExecutionResponse::decode(&bytes[..])?, response);
//! # Ok::<(), prost::DecodeError>(())
//! ```

mod client;
pub(super) mod endpoint;
mod execution;
pub(super) mod iam;
pub(super) mod rpc;
mod time;
mod value;
mod workflow;

pub use self::client::{ExecutionServiceClient, WorkflowServiceClient};
pub use self::execution::*;
pub use self::time::{Duration, Timestamp};
pub use self::value::{Kind, ListValue, Struct, Value};
pub use self::workflow::*;
