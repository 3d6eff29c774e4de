//! Replays a request whose credential was rejected: [`OnUnauthorized`] where the body is `Clone`,
//! [`ReplayLayer`] where it is not.
//!
//! [`Replay`] has an example of a request that is replayed.

mod body;
mod on_unauthorized;
mod replay;

pub use self::body::ReplayBody;
pub use self::on_unauthorized::OnUnauthorized;
pub use self::replay::{Replay, ReplayFuture, ReplayLayer};
