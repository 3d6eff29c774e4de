//! For tests: a clock moved by hand, a scripted provider, a fake Yandex Cloud on loopback.

mod clock;
mod scripted;

pub use self::clock::ManualClock;
pub use self::scripted::ScriptedProvider;
