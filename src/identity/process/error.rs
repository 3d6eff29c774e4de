//! Why a program has no output.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::process::ExitStatus;
use std::time::Duration;

use crate::error::ProviderError;

/// Why a program has no output. `stderr` is redacted.
pub(crate) enum ProcessError {
    Exit { status: ExitStatus, stderr: String },
    Io(io::Error),
    NoInterpreter,
    NoRuntime,
    NotFound,
    NotText,
    Timeout(Duration),
    TooLong(&'static str),
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit { status, stderr } if stderr.is_empty() => write!(f, "failed ({status})"),
            Self::Exit { status, stderr } => write!(f, "failed ({status}): {stderr}"),
            Self::Io(error) => write!(f, "cannot be run: {error}"),
            Self::NoInterpreter => {
                f.write_str("cannot be run: the interpreter of a script, or its loader, is missing")
            }
            Self::NoRuntime => f.write_str(
                "called outside a tokio runtime: call it inside one, with I/O and time enabled",
            ),
            Self::NotFound => f.write_str("not found"),
            Self::NotText => f.write_str("output is not UTF-8 text"),
            Self::Timeout(timeout) => write!(f, "did not finish within {timeout:?}"),
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
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::NotFound => Self::not_configured("not found"),
            ProcessError::NoInterpreter
            | ProcessError::NoRuntime
            | ProcessError::NotText
            | ProcessError::TooLong(_) => Self::permanent(error),
            ProcessError::Io(ref io) if io.kind() == ErrorKind::PermissionDenied => {
                Self::permanent(error)
            }
            ProcessError::Timeout(_) | ProcessError::Exit { .. } | ProcessError::Io(_) => {
                Self::transient(error)
            }
        }
    }
}
