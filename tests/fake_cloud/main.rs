//! The fake cloud follows the documentation of the real one, and fails on demand.

mod ask;
mod audit;
mod exchange;
mod faults;
mod iam;
mod life;
mod metadata;
mod workflows;
