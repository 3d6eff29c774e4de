//! The identities that a program can have, one per file.

mod chain;
#[cfg(all(feature = "service-account", feature = "metadata"))]
mod default_chain;
mod env;
#[cfg(feature = "exec")]
mod exec;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "metadata")]
mod function_context;
#[cfg(feature = "workload-identity")]
mod github_actions;
#[cfg(feature = "metadata")]
mod metadata;
#[cfg(feature = "oauth")]
mod oauth;
#[cfg(feature = "exec")]
mod process;
#[cfg(feature = "service-account")]
mod service_account;
pub(crate) mod shared;
#[cfg(feature = "workload-identity")]
mod workload_identity;
#[cfg(feature = "exec")]
mod yc_cli;

pub use self::chain::Chain;
#[cfg(all(feature = "service-account", feature = "metadata"))]
pub use self::default_chain::{default_chain, default_chain_in, default_chain_with};
pub use self::env::EnvCredential;
#[cfg(feature = "exec")]
pub use self::exec::Exec;
#[cfg(feature = "file")]
pub use self::file::CredentialFile;
#[cfg(feature = "metadata")]
pub use self::metadata::MetadataService;
#[cfg(feature = "oauth")]
pub use self::oauth::OAuthToken;
#[cfg(feature = "service-account")]
pub use self::service_account::ServiceAccountKey;
#[cfg(feature = "workload-identity")]
pub use self::workload_identity::WorkloadIdentity;
#[cfg(feature = "exec")]
pub use self::yc_cli::YcCli;
