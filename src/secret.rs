//! Bytes that are zeroed when dropped and never print.

use std::fmt;

use bytes::Bytes;
use zeroize::Zeroizing;

/// Secret bytes in one allocation of exactly their length: a buffer that grows leaves copies that
/// are not zeroed.
pub(crate) struct Secret(Zeroizing<Box<[u8]>>);

impl Secret {
    /// Joins the parts.
    pub(crate) fn concat(parts: &[&[u8]]) -> Self {
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            bytes.extend_from_slice(part);
        }
        Self(Zeroizing::new(bytes.into_boxed_slice()))
    }

    /// The same memory as shared bytes, zeroed when the last clone is dropped.
    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Secret {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_and_redacted() {
        let secret = Secret::concat(&[b"Bearer ", b"canary"]);
        assert_eq!(secret.as_ref(), b"Bearer canary");
        assert!(!format!("{secret:?}").contains("canary"));
        assert_eq!(secret.into_bytes(), "Bearer canary");
    }
}
