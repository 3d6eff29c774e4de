//! The state of the cloud: accounts, keys, tokens, and the requests it received.

pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod assertion;
pub(crate) mod audit;
pub(crate) mod expires_at;
pub(crate) mod grants;
pub(crate) mod random;
pub(crate) mod tokens;
pub(crate) mod world;
