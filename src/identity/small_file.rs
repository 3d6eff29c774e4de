//! A small regular file, read whole.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// What no token and no key file comes near.
const MAX_BYTES: usize = 64 * 1024;

/// The text of the file at `path`, without a byte order mark. Opened anew each time, so that a
/// swapped symbolic link is followed.
///
/// Refuses what may never end or block: pipes, devices, and files over 64 KiB.
pub(super) fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    // Opening a pipe waits for its writer, so what it is has to be known before, and again once it
    // is open.
    must_be_regular(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    must_be_regular(&file.metadata()?)?;
    text(&bytes(file)?)
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

/// Read into memory that never grows: growing would leave a copy of the secret behind.
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
    match str::from_utf8(bytes) {
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
    fn the_limit_is_the_last_size_that_is_read_and_memory_does_not_grow_there() {
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
    fn a_byte_order_mark_goes_and_what_is_not_text_is_refused() {
        assert_eq!(*text(b"\xef\xbb\xbft1.a\n").unwrap(), "t1.a\n");
        assert_eq!(text(b"t1.\xff").unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
