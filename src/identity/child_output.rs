//! The output stream of a program, read into memory of fixed size.

#[cfg(unix)]
use std::fs::File;
#[cfg(unix)]
use std::io::{ErrorKind, Read};

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

use super::process_error::ProcessError;

/// Far more than any token has.
const MAX_BYTES: usize = 64 * 1024;

/// A stream and what was read of it. The memory never grows: growing would leave a copy of the
/// secret behind.
pub(super) struct ChildOutput<S> {
    stream: S,
    name: &'static str,
    bytes: Zeroizing<Vec<u8>>,
    is_complete: bool,
}

impl<S> ChildOutput<S> {
    pub(super) fn new(stream: S, name: &'static str) -> Self {
        Self {
            stream,
            name,
            bytes: Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1)),
            is_complete: false,
        }
    }

    pub(super) fn text(&self) -> Result<Zeroizing<String>, ProcessError> {
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(ProcessError::NotText),
        }
    }

    pub(super) fn lossy_text(&self) -> Zeroizing<String> {
        Zeroizing::new(String::from_utf8_lossy(&self.bytes).into_owned())
    }

    fn check_length(&self) -> Result<(), ProcessError> {
        match self.bytes.len() > MAX_BYTES {
            true => Err(ProcessError::TooLong(self.name)),
            false => Ok(()),
        }
    }
}

impl<S: AsyncRead + Unpin> ChildOutput<S> {
    /// Reads until the stream is closed.
    ///
    /// # Cancel safety
    ///
    /// What was read is kept.
    pub(super) async fn read_to_end(&mut self) -> Result<(), ProcessError> {
        while !self.is_complete {
            let room = MAX_BYTES + 1 - self.bytes.len();
            let mut buffer = (&mut *self.bytes).limit(room);
            let read = self.stream.read_buf(&mut buffer).await;
            self.is_complete = read.map_err(ProcessError::Io)? == 0;
            self.check_length()?;
        }
        Ok(())
    }
}

#[cfg(unix)]
impl<S: std::os::fd::AsFd> ChildOutput<S> {
    /// Reads what is in the pipe already, without waiting for more.
    ///
    /// It reads the pipe itself, since the runtime may not have seen yet that there is something to
    /// read. The runtime made the pipe non-blocking, which a copy of its descriptor shares.
    pub(super) async fn drain(&mut self) -> Result<(), ProcessError> {
        if self.is_complete {
            return Ok(());
        }
        let room = (MAX_BYTES + 1 - self.bytes.len()) as u64;
        let pipe = self.stream.as_fd().try_clone_to_owned().map(File::from);
        let read = pipe.and_then(|pipe| pipe.take(room).read_to_end(&mut self.bytes));
        match read {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(ProcessError::Io(error)),
            _ => self.check_length(),
        }
    }
}

#[cfg(not(unix))]
impl<S: AsyncRead + Unpin> ChildOutput<S> {
    /// Reads until the stream is closed: elsewhere than on Unix, a pipe cannot be read past the
    /// runtime.
    pub(super) async fn drain(&mut self) -> Result<(), ProcessError> {
        self.read_to_end().await
    }
}
