//! The routes of the cloud's hosts, one file for each host and protocol.

pub(crate) mod discovery;
pub(crate) mod grpc;
pub(crate) mod iam;
pub(crate) mod metadata;
pub(crate) mod operations;
pub(crate) mod rest;
pub(crate) mod sdk;
pub(crate) mod token_exchange;
pub(crate) mod workflows;
