//! For tests: a clock moved by hand, a scripted provider, a fake Yandex Cloud on loopback.

mod clock;

pub use self::clock::ManualClock;
