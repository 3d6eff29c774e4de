//! A program run for what it prints: bounded in time and in output, and killed when nobody waits
//! for it any more.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::try_join3;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::time;
use zeroize::Zeroizing;

use crate::error::ProviderError;
use crate::redact::last_lines;

/// What no answer comes near, on either stream.
const MAX_BYTES: usize = 64 * 1024;

/// Shorter than a cache waits, so that the error that says more comes first.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A program, what it is called with, and how long it may take.
pub(super) struct Program {
    pub(super) path: OsString,
    pub(super) args: Vec<OsString>,
    pub(super) timeout: Duration,
    started: AtomicBool,
}

impl Program {
    pub(super) fn new(path: OsString) -> Self {
        Self {
            path,
            args: Vec::new(),
            timeout: TIMEOUT,
            started: AtomicBool::new(false),
        }
    }

    /// What it printed, once it has ended well.
    pub(super) async fn output(&self) -> Result<Zeroizing<String>, ProcessError> {
        Handle::try_current().map_err(|_| ProcessError::NoRuntime)?;
        let child = self.start()?;
        match time::timeout(self.timeout, finish(child)).await {
            Ok(output) => output,
            Err(_) => Err(ProcessError::Timeout(self.timeout)),
        }
    }

    fn start(&self) -> Result<Child, ProcessError> {
        let mut command = Command::new(&self.path);
        command
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        match command.spawn() {
            Ok(child) => {
                self.started.store(true, Ordering::Relaxed);
                Ok(child)
            }
            // One that was there before is being replaced, which must not hand a chain on to
            // another identity.
            Err(error)
                if error.kind() == ErrorKind::NotFound && !self.started.load(Ordering::Relaxed) =>
            {
                Err(ProcessError::NotFound)
            }
            Err(error) => Err(ProcessError::Io(error)),
        }
    }
}

/// The arguments may hold a secret.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("path", &Path::new(&self.path))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Why a program gave nothing to read. What it wrote to stderr is in here only after
/// [`last_lines`].
pub(super) enum ProcessError {
    Timeout(Duration),
    Exit { status: ExitStatus, stderr: String },
    Io(io::Error),
    NoRuntime,
    NotFound,
    NotText,
    TooLong(&'static str),
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(timeout) => write!(f, "did not finish within {timeout:?}"),
            Self::Exit { status, stderr } if stderr.is_empty() => write!(f, "failed ({status})"),
            Self::Exit { status, stderr } => write!(f, "failed ({status}): {stderr}"),
            Self::Io(error) => write!(f, "cannot be run: {error}"),
            Self::NoRuntime => f.write_str("a program can only be run inside a tokio runtime"),
            Self::NotFound => f.write_str("not found"),
            Self::NotText => f.write_str("printed what is not UTF-8 text"),
            Self::TooLong(stream) => write!(f, "wrote more than 64 KiB to {stream}"),
        }
    }
}

impl fmt::Debug for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for ProcessError {}

impl From<ProcessError> for ProviderError {
    fn from(failure: ProcessError) -> Self {
        match failure {
            ProcessError::NotFound => Self::not_configured("not found"),
            ProcessError::NoRuntime | ProcessError::NotText | ProcessError::TooLong(_) => {
                Self::permanent(failure)
            }
            ProcessError::Io(ref error) if error.kind() == ErrorKind::PermissionDenied => {
                Self::permanent(failure)
            }
            ProcessError::Timeout(_) | ProcessError::Exit { .. } | ProcessError::Io(_) => {
                Self::transient(failure)
            }
        }
    }
}

/// Dropped with its future, a child is killed.
async fn finish(mut child: Child) -> Result<Zeroizing<String>, ProcessError> {
    let stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take().expect("stderr is piped");
    let end = async { child.wait().await.map_err(ProcessError::Io) };
    let (stdout, stderr, status) =
        try_join3(read(stdout, "stdout"), read(stderr, "stderr"), end).await?;
    if !status.success() {
        let stderr = Zeroizing::new(String::from_utf8_lossy(&stderr).into_owned());
        return Err(ProcessError::Exit {
            status,
            stderr: last_lines(&stderr),
        });
    }
    match str::from_utf8(&stdout) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(ProcessError::NotText),
    }
}

/// Read into memory that never grows: growing would leave a copy of the secret behind.
async fn read(
    stream: impl AsyncRead + Unpin,
    name: &'static str,
) -> Result<Zeroizing<Vec<u8>>, ProcessError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    stream
        .take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(ProcessError::Io)?;
    match bytes.len() > MAX_BYTES {
        true => Err(ProcessError::TooLong(name)),
        false => Ok(bytes),
    }
}
