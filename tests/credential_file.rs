//! A file that something else rotates: the new value is picked up, and no state of the file loses
//! the last good one.
#![cfg(feature = "file")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use yandex_cloud_auth::{Chain, Credential, CredentialFile, CredentialProvider, ProviderError};

/// A directory of the test's own, removed at its end.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "yandex-cloud-auth-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The fetch on a thread of its own, so that one that blocks fails the test instead of stopping it.
fn fetch(provider: impl CredentialProvider) -> Result<Credential, ProviderError> {
    let (answer, answered) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let _ = answer.send(runtime.block_on(provider.fetch()));
    });
    answered
        .recv_timeout(Duration::from_secs(30))
        .expect("a fetch must not hang")
}

fn header(answer: Result<Credential, ProviderError>) -> String {
    answer.unwrap().header_value().to_str().unwrap().to_owned()
}

#[test]
fn the_scheme_is_what_was_said_or_what_the_value_begins_with() {
    let dir = Dir::new();
    let token = dir.file("token", "t1.abc\n");
    let key = dir.file("key", "\u{feff}  AQVNabc\r\n");
    assert_eq!(
        header(fetch(CredentialFile::iam_token(&token))),
        "Bearer t1.abc"
    );
    assert_eq!(
        header(fetch(CredentialFile::api_key(&key))),
        "Api-Key AQVNabc"
    );
    assert_eq!(header(fetch(CredentialFile::new(&token))), "Bearer t1.abc");
    assert_eq!(header(fetch(CredentialFile::new(&key))), "Api-Key AQVNabc");
    assert_eq!(
        header(fetch(CredentialFile::api_key(&token))),
        "Api-Key t1.abc"
    );
}

#[test]
fn a_missing_file_is_not_configured_so_that_a_chain_goes_on() {
    let dir = Dir::new();
    let missing = dir.0.join("missing");
    let error = fetch(CredentialFile::iam_token(&missing)).unwrap_err();
    assert!(error.is_not_configured());
    assert_eq!(
        error.to_string(),
        format!("credential file: {} does not exist", missing.display())
    );
    let chain = Chain::new()
        .or(CredentialFile::iam_token(missing))
        .or(Credential::iam_token("next").unwrap());
    assert_eq!(header(fetch(chain)), "Bearer next");
}

#[test]
fn a_file_that_holds_no_credential_is_a_permanent_error_that_names_it_and_never_its_content() {
    let dir = Dir::new();
    for (name, content, told) in [
        ("empty", "", "holds an invalid credential: it is empty"),
        ("blank", " \n", "holds an invalid credential: it is empty"),
        (
            "two",
            "canary\ncanary",
            "white space, trim it (at offset 6)",
        ),
        ("prefixed", "Bearer canary", "give it without the scheme"),
        (
            "control",
            "canary\0",
            "a character that no token or key may have",
        ),
    ] {
        let path = dir.file(name, content);
        let error = fetch(CredentialFile::iam_token(&path)).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(error.is_permanent(), "{text}");
        assert!(
            text.contains(told)
                && text.contains(&*path.to_string_lossy())
                && !text.contains("canary"),
            "{text}"
        );
    }
    let error = fetch(CredentialFile::new(dir.file("unknown", "canary"))).unwrap_err();
    assert!(error.is_permanent());
    assert!(
        error.to_string().contains("CredentialFile::iam_token")
            && !error.to_string().contains("canary"),
        "{error}"
    );
    let error = fetch(CredentialFile::iam_token(
        dir.file("latin", b"t1.canary\xff"),
    ))
    .unwrap_err();
    assert!(
        error.is_permanent()
            && error
                .to_string()
                .ends_with("cannot be read: not UTF-8 text"),
        "{error}"
    );
}

#[test]
fn a_large_file_and_a_directory_are_refused() {
    let dir = Dir::new();
    for (path, told) in [
        (
            dir.file("large", vec![b'a'; 64 * 1024 + 1]),
            "larger than 64 KiB",
        ),
        (dir.0.clone(), "not a regular file"),
    ] {
        let error = fetch(CredentialFile::api_key(path)).unwrap_err();
        assert!(
            error.is_permanent() && error.to_string().ends_with(told),
            "{error}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_and_a_device_are_refused_without_waiting_for_them() {
    let dir = Dir::new();
    let pipe = dir.0.join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for path in [pipe.as_path(), Path::new("/dev/zero")] {
        let error = fetch(CredentialFile::api_key(path)).unwrap_err();
        assert!(
            error.is_permanent() && error.to_string().ends_with("not a regular file"),
            "{error}"
        );
    }
}

#[test]
fn a_replaced_file_is_read_at_the_next_fetch() {
    let dir = Dir::new();
    let path = dir.file("token", "t1.old");
    let provider = std::sync::Arc::new(CredentialFile::iam_token(&path));
    assert_eq!(header(fetch(provider.clone())), "Bearer t1.old");
    fs::rename(dir.file("token.new", "t1.new"), &path).unwrap();
    assert_eq!(header(fetch(provider.clone())), "Bearer t1.new");
    assert!(!provider.is_static());
}

#[cfg(unix)]
#[test]
fn a_swapped_symbolic_link_is_followed_at_the_next_fetch() {
    let dir = Dir::new();
    let swap = |to: PathBuf| {
        std::os::unix::fs::symlink(to, dir.0.join("link.new")).unwrap();
        fs::rename(dir.0.join("link.new"), dir.0.join("link")).unwrap();
    };
    swap(dir.file("one", "t1.one"));
    let provider = std::sync::Arc::new(CredentialFile::iam_token(dir.0.join("link")));
    assert_eq!(header(fetch(provider.clone())), "Bearer t1.one");
    swap(dir.file("two", "t1.two"));
    assert_eq!(header(fetch(provider)), "Bearer t1.two");
}

#[test]
fn no_state_of_the_file_loses_the_last_good_value_and_a_mended_one_heals() {
    let dir = Dir::new();
    let path = dir.file("token", "t1.good");
    let provider = std::sync::Arc::new(CredentialFile::iam_token(&path));
    let kept = |broken: &str| {
        assert_eq!(
            header(fetch(provider.clone())),
            "Bearer t1.good",
            "{broken}"
        )
    };
    kept("as it was");
    fs::write(&path, "").unwrap();
    kept("emptied");
    fs::write(&path, "t1.half\nt1.").unwrap();
    kept("half-written");
    fs::write(&path, vec![b'a'; 1 << 20]).unwrap();
    kept("too large");
    fs::remove_file(&path).unwrap();
    kept("removed");
    fs::create_dir(&path).unwrap();
    kept("a directory");
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "t1.mended").unwrap();
    assert_eq!(header(fetch(provider.clone())), "Bearer t1.mended");
}

#[test]
fn debug_shows_the_path_and_never_the_value() {
    let dir = Dir::new();
    let provider = std::sync::Arc::new(CredentialFile::api_key(dir.file("key", "AQVNcanary")));
    fetch(provider.clone()).unwrap();
    let text = format!("{provider:?}");
    assert!(text.contains("key") && !text.contains("canary"), "{text}");
}
