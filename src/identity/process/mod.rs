//! Runs a program for its output: bounded in time and size, and killed if its future is dropped.

mod error;
mod output;

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::pin::pin;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select, try_join};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::time;
use zeroize::Zeroizing;

pub(crate) use self::error::ProcessError;
use self::output::Output;
use crate::redact;

/// Shorter than the fetch timeout of a cache, so that the error that says more comes first.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A program, its arguments, and its timeout.
pub(crate) struct Program {
    pub(crate) path: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) timeout: Duration,
    started: AtomicBool,
}

impl Program {
    pub(crate) fn new(path: OsString) -> Self {
        Self {
            path,
            args: Vec::new(),
            timeout: TIMEOUT,
            started: AtomicBool::new(false),
        }
    }

    /// The path, unless it may be a secret.
    pub(crate) fn shown(&self) -> String {
        redact::path(self.path.as_ref())
    }

    /// The standard output of one run that succeeded.
    pub(crate) async fn output(&self) -> Result<Zeroizing<String>, ProcessError> {
        Handle::try_current().map_err(|_| ProcessError::NoRuntime)?;
        let running = Running(self.start()?);
        match time::timeout(self.timeout, running.finish()).await {
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
        lead_group(&mut command);
        match command.spawn() {
            Ok(child) => {
                self.started.store(true, Ordering::Relaxed);
                Ok(child)
            }
            // A program that has run before is being replaced. A chain must not continue with
            // another identity.
            Err(error)
                if error.kind() == ErrorKind::NotFound && !self.started.load(Ordering::Relaxed) =>
            {
                Err(match exists(Path::new(&self.path)) {
                    true => ProcessError::NoInterpreter,
                    false => ProcessError::NotFound,
                })
            }
            Err(error) => Err(ProcessError::Io(error)),
        }
    }
}

/// Whether there is such a program. The system says "not found" also of its interpreter.
fn exists(program: &Path) -> bool {
    if program.components().count() > 1 {
        return program.is_file();
    }
    let dirs = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&dirs).any(|dir| dir.join(program).is_file())
}

/// The arguments may contain a secret.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("path", &self.shown())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A program that runs. If it is dropped before the program has ended, the program and the
/// processes it started are killed.
struct Running(Child);

impl Running {
    async fn finish(mut self) -> Result<Zeroizing<String>, ProcessError> {
        let mut stdout = Output::new(self.0.stdout.take().expect("stdout is piped"), "stdout");
        let mut stderr = Output::new(self.0.stderr.take().expect("stderr is piped"), "stderr");
        // The exit ends the reading: a process that the program started may keep its streams open.
        let status = {
            let streams = pin!(try_join(stdout.read_to_end(), stderr.read_to_end()));
            let exit = pin!(self.0.wait());
            match select(streams, exit).await {
                Either::Left((read, exit)) => {
                    read?;
                    exit.await
                }
                Either::Right((status, _)) => status,
            }
        }
        .map_err(ProcessError::Io)?;
        stdout.drain().await?;
        stderr.drain().await?;
        if status.success() {
            return stdout.text();
        }
        Err(ProcessError::Exit {
            status,
            stderr: redact::last_lines(&stderr.lossy_text()),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill_group(&self.0);
    }
}

/// Puts the program in a process group of its own, with the processes it starts.
#[cfg(unix)]
fn lead_group(command: &mut Command) {
    command.process_group(0);
}

#[cfg(not(unix))]
fn lead_group(_: &mut Command) {}

/// Kills the group of a program that has not ended. Afterwards its id may be that of another one.
#[cfg(unix)]
fn kill_group(child: &Child) {
    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;

    if let Some(Ok(id)) = child.id().map(i32::try_from) {
        // Fails only if the group is gone.
        let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
    }
}

#[cfg(not(unix))]
fn kill_group(_: &Child) {}
