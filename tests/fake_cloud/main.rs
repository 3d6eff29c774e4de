//! The fake cloud does what the documentation of the real one says, and goes wrong as it is told.

mod ask;
mod audit;
mod exchange;
mod faults;
mod iam;
mod life;
mod metadata;
mod workflows;
