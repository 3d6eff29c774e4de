//! A copy of the crate, which a test may change.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

pub(crate) struct Copy(PathBuf);

impl Copy {
    pub(crate) fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let name = format!("yandex-cloud-auth-copy-{}", std::process::id());
        let copy = env::temp_dir().join(name);
        fs::create_dir(&copy).unwrap();
        for name in ["Cargo.toml", "Cargo.lock", "README.md"] {
            fs::copy(root.join(name), copy.join(name)).unwrap();
        }
        for name in ["benches", "examples", "src", "tests"] {
            copy_folder(&root.join(name), &copy.join(name));
        }
        Self(copy)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.0.join(path), text).unwrap();
    }

    /// Inserts the text after this line, which must be the only one.
    pub(crate) fn insert_after(&self, path: &str, line: &str, text: &str) {
        self.replace(path, line, &format!("{line}{text}"));
    }

    /// Inserts the text and an empty line before this line, which must be the only one.
    pub(crate) fn insert_before(&self, path: &str, line: &str, text: &str) {
        self.replace(path, line, &format!("{text}\n{line}"));
    }

    fn replace(&self, path: &str, line: &str, text: &str) {
        let old = fs::read_to_string(self.0.join(path)).unwrap();
        let line = format!("\n{line}");
        assert_eq!(old.matches(&line).count(), 1, "{path}: {line}");
        self.write(path, &old.replacen(&line, &format!("\n{text}"), 1));
    }

    /// Runs Cargo on the copy, with the dependencies that are built already.
    pub(crate) fn cargo(&self, arguments: &str) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments.split(' ')).current_dir(&self.0);
        cargo.env("CARGO_TARGET_DIR", root.join(target));
        // Cargo sets these for this test. They would make it build ring again.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_") {
                cargo.env_remove(&*name);
            }
        }
        assert!(cargo.status().unwrap().success(), "cargo {arguments}");
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() == "target" => {}
            true => copy_folder(&from, &to),
            false => drop(fs::copy(from, to).unwrap()),
        }
    }
}
