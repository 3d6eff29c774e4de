//! Where a credential may go: every route, both schemes, and requests that would lead it elsewhere.

mod combined;
mod denial;
mod execution;
mod host;
mod origin;
mod rules;
mod support;
mod workflows;
