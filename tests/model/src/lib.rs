//! A reference model of the credential cache, and a world in which both see the same events.
//!
//! The model knows what may happen, not the random parts: how long a cool-down is at least and at
//! most, and how old a credential is at least when it is renewed. Everything else it knows exactly.

mod clock;
mod event;
mod reference;
mod source;
mod waiter;
mod world;

pub use event::{Answer, Event, Lifetime, Via};
pub use world::World;

/// What the cache did that it must not do.
pub type Violation = String;

/// Fails with a message unless the condition holds.
macro_rules! require {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}
pub(crate) use require;
