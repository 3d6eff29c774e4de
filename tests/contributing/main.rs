//! "Adding a provider" in `.github/CONTRIBUTING.md` can be followed: `systemd.rs` is the provider
//! that it prints.

mod copy;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "in the crate, it is public and has other users"
)]
mod systemd;

/// The names by which a provider imports what it needs.
mod credential {
    pub(crate) use yandex_cloud_auth::Credential;
}
mod error {
    pub(crate) use yandex_cloud_auth::ProviderError;
}
mod provider {
    pub(crate) use yandex_cloud_auth::CredentialProvider;
}

use std::fs;
use std::path::Path;

use crate::copy::Copy;
use crate::error::ProviderError;
use crate::provider::CredentialProvider;
use crate::systemd::SystemdCredential;

const PAGE: &str = include_str!("../../.github/CONTRIBUTING.md");

/// The first block of this language after this text.
fn block(text: &str, language: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(text).expect(text);
    let (_, rest) = rest.split_once(&format!("```{language}\n")).expect(text);
    let end = rest.find("\n```\n").expect("a block ends");
    &rest[..=end]
}

/// A provider of what a file with this text has. Without a text there is no file.
async fn fetch(text: Option<&str>) -> Result<String, ProviderError> {
    let name = format!("yandex-cloud-auth-contributing-{}", std::process::id());
    let folder = std::env::temp_dir().join(name + text.unwrap_or("-none").trim());
    fs::create_dir(&folder).unwrap();
    if let Some(text) = text {
        fs::write(folder.join("iam-token"), text).unwrap();
    }
    let provider = SystemdCredential::new(Some(folder.clone().into()), "iam-token");
    let fetched = provider.fetch().await;
    fs::remove_dir_all(folder).unwrap();
    fetched.map(|credential| credential.expose_secret().to_owned())
}

#[test]
fn page_prints_this_provider() {
    assert_eq!(block("### 1. ", "rust"), include_str!("systemd.rs"));
}

#[tokio::test]
async fn printed_provider_fetches_and_classifies_errors() {
    assert_eq!(fetch(Some("t1.abc\n")).await.unwrap(), "t1.abc");

    let absent = SystemdCredential::new(None, "iam-token").fetch().await;
    assert!(absent.unwrap_err().is_not_configured());
    assert!(fetch(None).await.unwrap_err().is_transient());
    let error = fetch(Some("t1 c4n4ry")).await.unwrap_err();
    assert!(error.is_permanent());
    assert!(!format!("{error} {error:?}").contains("c4n4ry"));
}

#[test]
fn named_paths_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let spans = PAGE.split('`').skip(1).step_by(2);
    let is_path = |span: &&str| {
        let folders = ["src/", "tests/", "benches/", "examples/", ".ci/"];
        folders.iter().any(|folder| span.starts_with(folder)) && !span.contains("NAME")
    };
    let paths = spans
        .filter(is_path)
        .map(|span| span.split(' ').next().unwrap());
    let missing: Vec<_> = paths.filter(|path| !root.join(path).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
#[ignore = "builds a copy of the crate"]
fn printed_steps_add_provider() {
    let copy = Copy::new();
    copy.write("src/identity/systemd.rs", block("### 1. ", "rust"));
    copy.insert_before(
        "src/docs/troubleshooting.md",
        "# The network, for every provider\n",
        block("### 2. ", "text"),
    );
    copy.insert_after("Cargo.toml", "[features]\n", block("### 3. ", "toml"));
    copy.insert_after("Cargo.toml", "full = [\n", "    \"systemd\",\n");
    copy.insert_after(
        "src/identity/mod.rs",
        "mod env;\n",
        block("`src/identity/mod.rs`:", "rust"),
    );
    copy.insert_after(
        "src/lib.rs",
        "pub use provider::CredentialProvider;\n",
        block("`src/lib.rs`:", "rust"),
    );

    copy.cargo("clippy --no-default-features --features systemd -- -D warnings");
    copy.cargo("test --features full,testing --test troubleshooting --test imports");
    copy.cargo("test --features full,testing --doc systemd");
}
