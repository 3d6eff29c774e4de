//! An IAM token or an API key in a file that something else rotates, such as a mounted secret.
//!
//!     cargo run --example file --features full,testing

#[path = "support/executions.rs"]
mod executions;
#[path = "support/iam_token.rs"]
mod iam_token;

use std::{env, fs, process};

use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{AuthLayer, CredentialFile};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // In the real cloud, the file is there: `CredentialFile::iam_token("/run/secrets/iam-token")`.
    let cloud = FakeCloud::start().await;
    let path = env::temp_dir().join(format!("iam-token-{}", process::id()));
    fs::write(&path, iam_token::issued_by(&cloud).await?)?;
    let auth = AuthLayer::new(CredentialFile::iam_token(&path));

    let result = executions::list(auth, &cloud).await;
    fs::remove_file(path)?;
    result
}
