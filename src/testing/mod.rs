//! For tests: a clock moved by hand, a scripted provider, a fake Yandex Cloud on loopback.

mod clock;
mod cloud;
pub mod proto;
mod scripted;

pub use self::clock::ManualClock;
pub use self::cloud::{ErrorShape, ExpiresAt, FakeCloud, Fault, Host, Received};
pub use self::scripted::ScriptedProvider;
