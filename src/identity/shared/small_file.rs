//! A small regular file that holds a token or a key.
#![cfg_attr(
    not(any(feature = "file", feature = "service-account")),
    allow(
        dead_code,
        reason = "subject tokens are short-lived, and often readable by all"
    )
)]

use std::env;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::lock::Mutex;
use zeroize::Zeroizing;

use crate::error::ProviderError;
use crate::redact;
use crate::runtime::spawn_blocking;
use crate::telemetry;

/// Far more than any token or key file has.
const MAX_BYTES: usize = 64 * 1024;

/// A file that is opened anew for each read, so that a replaced symbolic link is followed. Clones
/// share what is known of it.
#[derive(Clone)]
pub(crate) struct SmallFile {
    path: Arc<Path>,
    state: Arc<FileState>,
}

/// The part of a [`SmallFile`] that is kept if its path is read from a variable for each fetch.
#[derive(Default)]
pub(crate) struct FileState {
    /// A read of a dead network mount keeps its thread, so reads take turns.
    turn: Arc<Mutex<()>>,
    readable_by_all: AtomicBool,
    warned: AtomicBool,
}

impl SmallFile {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self::with_state(path, Arc::default())
    }

    pub(crate) fn with_state(path: impl Into<PathBuf>, state: Arc<FileState>) -> Self {
        Self {
            path: path.into().into(),
            state,
        }
    }

    /// Runs `work`, which reads this file, without blocking a worker of the runtime.
    pub(crate) async fn off_worker<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, ProviderError> {
        let turn = Arc::clone(&self.state.turn).lock_owned().await;
        let file = self.clone();
        spawn_blocking(move || {
            let _turn = turn;
            work(&file)
        })
        .await
    }

    /// The text of the file, without a byte order mark. Refuses pipes, devices, and files over
    /// 64 KiB. Blocks the calling thread.
    pub(crate) fn read(&self) -> io::Result<Zeroizing<String>> {
        // Before the file is opened, since opening a device can have an effect.
        must_be_regular(&fs::metadata(&self.path)?)?;
        let (file, metadata) = opened(&self.path)?;
        self.state
            .readable_by_all
            .store(readable_by_all(&metadata), Ordering::Relaxed);
        text(&bytes(file)?)
    }

    /// Emits a warning, once, if the file that was read is readable by every user of the machine.
    pub(crate) fn warn_if_readable_by_all(&self) {
        let state = &self.state;
        if state.readable_by_all.load(Ordering::Relaxed)
            && !state.warned.swap(true, Ordering::Relaxed)
        {
            telemetry::key_file_readable_by_all(&self.to_string());
        }
    }

    /// Why this file cannot be read, for an error.
    pub(crate) fn unreadable(&self, error: &io::Error) -> String {
        match error.kind() {
            ErrorKind::NotFound => format!("{self} does not exist{}", hint(&self.path)),
            _ => format!("{self} cannot be read: {error}"),
        }
    }
}

/// The path, unless it may be a secret.
impl fmt::Display for SmallFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact::path(&self.path))
    }
}

impl fmt::Debug for SmallFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&redact::path(&self.path), f)
    }
}

/// Why a path may not lead to the file that was meant.
fn hint(path: &Path) -> String {
    if path.to_string_lossy().starts_with('~') {
        return ": `~` is not expanded, give the path in full".into();
    }
    match env::current_dir() {
        Ok(dir) if path.is_relative() => {
            format!(" in the working directory {}", redact::path(&dir))
        }
        _ => String::new(),
    }
}

/// The file and its metadata, which may be those of another file than the one checked before: a
/// path can be replaced at any time.
fn opened(path: &Path) -> io::Result<(File, Metadata)> {
    let file = open(path)?;
    let metadata = file.metadata()?;
    must_be_regular(&metadata)?;
    Ok((file, metadata))
}

/// Neither opening a pipe without a writer nor reading an empty device waits.
///
/// The value of `O_NONBLOCK` differs between systems. It comes from `nix`, which the feature
/// `tokio` depends on already. Without that feature there is no runtime whose worker could block.
#[cfg(all(unix, feature = "tokio"))]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use nix::fcntl::OFlag;

    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    File::options()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)
}

#[cfg(not(all(unix, feature = "tokio")))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn must_be_regular(metadata: &Metadata) -> io::Result<()> {
    match metadata.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(
            ErrorKind::InvalidInput,
            "not a regular file",
        )),
    }
}

#[cfg(unix)]
fn readable_by_all(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;

    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn readable_by_all(_: &Metadata) -> bool {
    false
}

/// Reads into memory that never grows: growing would leave a copy of the secret behind.
fn bytes(file: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > MAX_BYTES {
        true => Err(io::Error::new(
            ErrorKind::FileTooLarge,
            "larger than 64 KiB",
        )),
        false => Ok(bytes),
    }
}

fn text(bytes: &[u8]) -> io::Result<Zeroizing<String>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(
            text.trim_start_matches('\u{feff}').to_owned(),
        )),
        Err(_) => Err(io::Error::new(ErrorKind::InvalidData, "not UTF-8 text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_is_read_in_full_without_growth() {
        let full = bytes(&[b'a'; MAX_BYTES][..]).unwrap();
        assert_eq!((full.len(), full.capacity()), (MAX_BYTES, MAX_BYTES + 1));
        assert_eq!(
            bytes(&[b'a'; MAX_BYTES + 1][..]).unwrap_err().kind(),
            ErrorKind::FileTooLarge
        );
        assert_eq!(
            bytes(io::repeat(b'a')).unwrap_err().kind(),
            ErrorKind::FileTooLarge
        );
    }

    #[test]
    fn byte_order_mark_is_removed_and_binary_refused() {
        assert_eq!(*text(b"\xef\xbb\xbft1.a\n").unwrap(), "t1.a\n");
        assert_eq!(text(b"t1.\xff").unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn missing_path_error_says_where_it_leads() {
        let here = env::current_dir().unwrap().display().to_string();
        for (path, expected) in [
            ("/none/key.json", "/none/key.json does not exist".into()),
            (
                "none/key.json",
                format!("none/key.json does not exist in the working directory {here}"),
            ),
            (
                "~/key.json",
                "~/key.json does not exist: `~` is not expanded, give the path in full".into(),
            ),
        ] {
            let file = SmallFile::new(path);
            let error = file.read().unwrap_err();
            assert_eq!(file.unreadable(&error), expected);
        }
    }

    #[test]
    fn path_that_may_be_secret_is_not_shown() {
        for path in ["{\"canary\":1}", "AQVNcanary", "-----BEGIN canary"] {
            let file = SmallFile::new(path);
            let error = file.read().unwrap_err();
            let text = format!("{file} {file:?} {}", file.unreadable(&error));
            assert!(!text.contains("canary"), "{text}");
        }
    }
}

#[cfg(all(test, feature = "tokio"))]
mod runtime_tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn stuck_read_occupies_one_thread() {
        let file = SmallFile::new("/none");
        let (release, stuck) = std::sync::mpsc::channel::<()>();
        let mut first = Box::pin(file.off_worker(move |_| stuck.recv()));
        assert!(first.as_mut().now_or_never().is_none());
        drop(first);

        let (sender, started) = std::sync::mpsc::channel();
        let second = tokio::spawn(async move { file.off_worker(move |_| sender.send(())).await });
        let early = started.recv_timeout(std::time::Duration::from_millis(100));
        assert!(early.is_err(), "two reads at a time");
        release.send(()).unwrap();
        second.await.unwrap().unwrap().unwrap();
    }
}

#[cfg(all(test, unix))]
mod unix_tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[cfg(feature = "tokio")]
    #[test]
    fn pipe_that_replaced_file_does_not_block() {
        let path = env::temp_dir().join(format!("yandex-cloud-auth-pipe-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let (sender, receiver) = std::sync::mpsc::channel();
        let pipe = path.clone();
        std::thread::spawn(move || sender.send(opened(&pipe).map(|_| ())));
        let outcome = receiver.recv_timeout(std::time::Duration::from_secs(30));
        fs::remove_file(&path).unwrap();
        let error = outcome.expect("open does not block").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn mode_decides_whether_all_can_read() {
        let path = env::temp_dir().join(format!("yandex-cloud-auth-mode-{}", std::process::id()));
        fs::write(&path, "").unwrap();
        for (mode, by_all) in [
            (0o600, false),
            (0o640, false),
            (0o660, false),
            (0o644, true),
            (0o604, true),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let metadata = path.metadata().unwrap();
            assert_eq!(readable_by_all(&metadata), by_all, "{mode:o}");
        }
        fs::remove_file(&path).unwrap();
    }
}
