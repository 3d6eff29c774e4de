//! For tests: a clock moved by hand, a scripted provider, a fake Yandex Cloud on loopback.
//!
//! Each replaces one thing that a test cannot wait for or rely on. [`ManualClock`] is the time by
//! which a cache judges what it holds; [`ScriptedProvider`] is a source that fails, hangs or panics
//! at a chosen call; [`FakeCloud`] is everything at the other end of the network, with real
//! sockets, real HTTP/2 and signatures that are really checked. [`proto`] has the gRPC clients to
//! ask it with.
//!
//! A clock given to both the cache and the cloud lets a token's twelve hours pass in a line: see
//! [`FakeCloud::set_clock`].

mod clock;
mod cloud;
pub mod proto;
mod scripted;

pub use self::clock::ManualClock;
pub use self::cloud::{ErrorShape, ExpiresAt, FakeCloud, Fault, Host, Received};
pub use self::scripted::ScriptedProvider;
