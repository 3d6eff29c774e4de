//! The generated code in the repository is what tonic-prost-build writes for the `.proto` files.
//! `BLESS=1` writes it anew.

#![cfg(test)]

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The folders with a `.proto` file each, and the name of its package.
const FOLDERS: [(&str, &str, &str); 2] = [
    (
        "examples/support/proto",
        "execution.proto",
        "yandex.cloud.serverless.workflows.v1",
    ),
    ("tests/stacks/proto", "echo.proto", "stacks"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What the generator writes for this file.
fn generate(folder: &Path, file: &str, package: &str) -> String {
    let out = env::temp_dir().join(format!("generated-{package}-{}", std::process::id()));
    fs::create_dir_all(&out).unwrap();
    let files = protox::compile([file], [folder]).unwrap();
    tonic_prost_build::configure()
        .build_server(false)
        .build_transport(false)
        .out_dir(&out)
        .compile_fds(files)
        .unwrap();
    let code = fs::read_to_string(out.join(format!("{package}.rs"))).unwrap();
    fs::remove_dir_all(out).unwrap();
    code
}

#[test]
fn committed_code_is_what_is_generated() {
    for (folder, file, package) in FOLDERS {
        let folder = root().join(folder);
        let path = folder.join(format!("{package}.rs"));
        let code = generate(&folder, file, package);
        if env::var_os("BLESS").is_some() {
            fs::write(&path, code).unwrap();
        } else {
            let committed = fs::read_to_string(&path).unwrap();
            assert!(committed == code, "{} is outdated: BLESS=1", path.display());
        }
    }
}
