//! A file that another program rotates: the new value is used, and no state of the file loses the
//! last good one.
#![cfg(feature = "file")]

#[cfg(feature = "tracing")]
#[path = "support/listener.rs"]
mod listener;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use yandex_cloud_auth::{Chain, Credential, CredentialFile, CredentialProvider, ProviderError};

/// A directory of one test, removed at its end.
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

/// Fetches on another thread, so that a fetch that blocks fails the test instead of stopping it.
fn fetch(provider: impl CredentialProvider) -> Result<Credential, ProviderError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let _ = sender.send(runtime.block_on(provider.fetch()));
    });
    receiver
        .recv_timeout(Duration::from_secs(30))
        .expect("a fetch must not hang")
}

fn header(outcome: Result<Credential, ProviderError>) -> String {
    outcome.unwrap().header_value().to_str().unwrap().to_owned()
}

#[test]
fn constructor_or_value_decides_scheme() {
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
    let plain = dir.file("plain", "abc\n");
    assert_eq!(
        header(fetch(CredentialFile::api_key(&plain))),
        "Api-Key abc"
    );
    assert_eq!(
        header(fetch(CredentialFile::iam_token(&plain))),
        "Bearer abc"
    );
    let swapped = fetch(CredentialFile::api_key(&token)).unwrap_err();
    assert!(swapped.to_string().contains("it is an IAM token"));
}

#[test]
fn missing_file_is_not_configured() {
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
fn invalid_content_is_permanent_and_not_shown() {
    let dir = Dir::new();
    for (name, content, reason) in [
        ("empty", "", "holds an invalid credential: it is empty"),
        ("blank", " \n", "holds an invalid credential: it is empty"),
        (
            "two",
            "canary\ncanary",
            "white space, trim it (at offset 6)",
        ),
        ("prefixed", "Bearer canary", "leave the scheme out"),
        (
            "control",
            "canary\0",
            "a character that is not allowed in a token or key",
        ),
    ] {
        let path = dir.file(name, content);
        let error = fetch(CredentialFile::iam_token(&path)).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(error.is_permanent(), "{text}");
        assert!(
            text.contains(reason)
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
fn large_file_and_directory_are_refused() {
    let dir = Dir::new();
    for (path, reason) in [
        (
            dir.file("large", vec![b'a'; 64 * 1024 + 1]),
            "larger than 64 KiB",
        ),
        (dir.0.clone(), "not a regular file"),
    ] {
        let error = fetch(CredentialFile::api_key(path)).unwrap_err();
        assert!(
            error.is_permanent() && error.to_string().ends_with(reason),
            "{error}"
        );
    }
}

#[cfg(unix)]
#[test]
fn pipe_and_device_are_refused_without_waiting() {
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

#[tokio::test]
async fn file_is_read_off_the_worker() {
    let dir = Dir::new();
    let provider = CredentialFile::iam_token(dir.file("token", "t1.abc"));
    let mut fetch = std::pin::pin!(provider.fetch());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(fetch.as_mut().poll(&mut context).is_pending());
    assert_eq!(header(fetch.await), "Bearer t1.abc");
}

#[cfg(all(unix, feature = "tracing"))]
#[test]
fn file_readable_by_all_is_warned_of_once() {
    use std::os::unix::fs::PermissionsExt;

    // A scoped subscriber would miss the event if another test runs at the same time.
    let listener = listener::Listener::default();
    tracing::subscriber::set_global_default(listener.clone()).unwrap();
    for (mode, warnings) in [(0o600, 0), (0o644, 1)] {
        let dir = Dir::new();
        let path = dir.file("key", "AQVNcanary");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let provider = std::sync::Arc::new(CredentialFile::api_key(&path));
        for _ in 0..3 {
            fetch(provider.clone()).unwrap();
        }
        let mut lines = listener.lines();
        lines.retain(|line| line.starts_with("WARN") && line.contains(path.to_str().unwrap()));
        assert_eq!(lines.len(), warnings, "{lines:?}");
        assert!(!lines.concat().contains("canary"));
    }
}

#[test]
fn replaced_file_is_read_at_next_fetch() {
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
fn replaced_link_is_followed_at_next_fetch() {
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
fn broken_file_keeps_last_good_value() {
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
    fs::write(&path, "t1.fixed").unwrap();
    assert_eq!(header(fetch(provider.clone())), "Bearer t1.fixed");
}

#[test]
fn debug_shows_path_only() {
    let dir = Dir::new();
    let provider = std::sync::Arc::new(CredentialFile::api_key(dir.file("key", "AQVNcanary")));
    fetch(provider.clone()).unwrap();
    let text = format!("{provider:?}");
    assert!(text.contains("key") && !text.contains("canary"), "{text}");
}
