//! Where a credential may go: every route, both schemes, and requests that would lead it elsewhere.

mod bypass;
mod combined;
mod denial;
mod execution;
mod host;
mod origin;
mod region;
mod rules;
mod services;
mod support;
mod workflows;
