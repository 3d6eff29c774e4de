//! A fake Yandex Cloud as a program, for tests of programs in any language.
//!
//!     cargo run --example fake_cloud --features testing
//!
//! Prints its addresses and the files that clients need, one `NAME=value` a line and an empty line
//! after the last, and runs until ctrl-c. `--for 60` ends it after a minute. All of it is on
//! loopback, and the key opens nothing else.
//!
//! SDKs take the host and port of `GRPC_TLS_URL` as their API endpoint, and `ROOT_CERTIFICATE` as
//! their trusted root. `tests/python_sdk.py` does so with the official SDK for Python.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io, process};

use tower::BoxError;
use yandex_cloud_auth::testing::{FakeCloud, Host};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let limit = limit(env::args().skip(1))?;
    let cloud = FakeCloud::start().await;
    let folder = Folder::create()?;
    let key_file = folder.write("key.json", &cloud.service_account_key())?;
    let root = folder.write("root.pem", cloud.root_certificate())?;

    for (name, value) in [
        ("WORKFLOWS_URL", cloud.workflows_url()),
        ("GRPC_URL", cloud.grpc_url()),
        ("GRPC_TLS_URL", cloud.grpc_tls_url()),
        ("IAM_URL", cloud.iam_url()),
        ("METADATA_URL", cloud.metadata_url()),
        ("OAUTH_URL", cloud.oauth_url()),
        ("OPERATION_URL", cloud.url(Host::Operation)),
        ("DISCOVERY_URL", cloud.url(Host::Discovery)),
        ("KEY_FILE", key_file),
        ("ROOT_CERTIFICATE", root),
    ] {
        println!("{name}={value}");
    }
    println!();

    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        () = tokio::time::sleep(limit) => {}
    }
    println!("{} requests", cloud.audit().len());
    Ok(())
}

/// The value of `--for`, in seconds. Without it, more than a lifetime.
fn limit(mut arguments: impl Iterator<Item = String>) -> Result<Duration, BoxError> {
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(Duration::from_secs(u64::from(u32::MAX))),
        (Some("--for"), Some(seconds)) => Ok(Duration::from_secs(seconds.parse()?)),
        _ => Err("usage: fake_cloud [--for SECONDS]".into()),
    }
}

/// A folder that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn create() -> io::Result<Self> {
        let path = env::temp_dir().join(format!("yandex-cloud-auth-{}", process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    fn write(&self, name: &str, text: &str) -> io::Result<String> {
        let path = self.0.join(name);
        fs::write(&path, text)?;
        Ok(path.display().to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _removed = fs::remove_dir_all(&self.0);
    }
}
