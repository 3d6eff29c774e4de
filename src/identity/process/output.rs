//! The output stream of a program, read into memory of fixed size.

#[cfg(unix)]
use std::fs::File;
#[cfg(unix)]
use std::io::{ErrorKind, Read};

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

use super::error::ProcessError;

/// Far more than any token has.
const MAX_BYTES: usize = 64 * 1024;

/// A stream and what was read of it. The memory never grows: growing would leave a copy of the
/// secret behind.
pub(crate) struct Output<S> {
    stream: S,
    name: &'static str,
    bytes: Zeroizing<Vec<u8>>,
    is_complete: bool,
}

impl<S> Output<S> {
    pub(crate) fn new(stream: S, name: &'static str) -> Self {
        Self {
            stream,
            name,
            bytes: Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1)),
            is_complete: false,
        }
    }

    pub(crate) fn text(&self) -> Result<Zeroizing<String>, ProcessError> {
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(ProcessError::NotText),
        }
    }

    pub(crate) fn lossy_text(&self) -> Zeroizing<String> {
        Zeroizing::new(String::from_utf8_lossy(&self.bytes).into_owned())
    }

    fn check_length(&self) -> Result<(), ProcessError> {
        match self.bytes.len() > MAX_BYTES {
            true => Err(ProcessError::TooLong(self.name)),
            false => Ok(()),
        }
    }
}

impl<S: AsyncRead + Unpin> Output<S> {
    /// Reads until the stream is closed.
    ///
    /// # Cancel safety
    ///
    /// What was read is kept.
    pub(crate) async fn read_to_end(&mut self) -> Result<(), ProcessError> {
        while !self.is_complete {
            let free = MAX_BYTES + 1 - self.bytes.len();
            let mut buffer = (&mut *self.bytes).limit(free);
            let read = self.stream.read_buf(&mut buffer).await;
            self.is_complete = read.map_err(ProcessError::Io)? == 0;
            self.check_length()?;
        }
        Ok(())
    }
}

#[cfg(unix)]
impl<S: std::os::fd::AsFd> Output<S> {
    /// Reads what is in the pipe already, without waiting for more.
    ///
    /// It reads the pipe itself, since the runtime may not have seen yet that there is something to
    /// read. The runtime made the pipe non-blocking, which a copy of its descriptor shares.
    pub(crate) async fn drain(&mut self) -> Result<(), ProcessError> {
        if self.is_complete {
            return Ok(());
        }
        let free = (MAX_BYTES + 1 - self.bytes.len()) as u64;
        let pipe = self.stream.as_fd().try_clone_to_owned().map(File::from);
        let read = pipe.and_then(|pipe| pipe.take(free).read_to_end(&mut self.bytes));
        match read {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(ProcessError::Io(error)),
            _ => self.check_length(),
        }
    }
}

#[cfg(not(unix))]
impl<S: AsyncRead + Unpin> Output<S> {
    /// Reads until the stream is closed: elsewhere than on Unix, a pipe can be read only through the
    /// runtime.
    pub(crate) async fn drain(&mut self) -> Result<(), ProcessError> {
        self.read_to_end().await
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{self, Write};
    use std::os::fd::{AsFd, BorrowedFd};
    use std::os::unix::net::UnixStream;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use futures_util::FutureExt;
    use tokio::io::ReadBuf;

    use super::*;

    /// A stream that the runtime believes to be empty.
    struct Unnoticed(UnixStream);

    impl AsyncRead for Unnoticed {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsFd for Unnoticed {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }

    fn output() -> (UnixStream, Output<Unnoticed>) {
        let (writer, reader) = UnixStream::pair().unwrap();
        reader.set_nonblocking(true).unwrap();
        (writer, Output::new(Unnoticed(reader), "stdout"))
    }

    #[test]
    fn drain_reads_what_runtime_has_not_seen() {
        let (mut writer, mut output) = output();
        writer.write_all(b"t1.abc\n").unwrap();
        assert!(output.read_to_end().now_or_never().is_none());
        output.drain().now_or_never().unwrap().unwrap();
        assert_eq!(*output.text().unwrap(), "t1.abc\n");
    }

    #[test]
    fn drain_is_limited_and_does_not_grow() {
        let (mut writer, mut output) = output();
        output.bytes.extend_from_slice(&[b'a'; MAX_BYTES]);
        writer.write_all(b"bc").unwrap();
        let error = output.drain().now_or_never().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "wrote more than 64 KiB to stdout");
        assert_eq!(output.bytes.capacity(), MAX_BYTES + 1);
    }
}
