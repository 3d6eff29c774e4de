//! Checks whether a text is a token or an API key.

use std::error::Error;
use std::fmt;

use super::scheme::Scheme;

/// The longest token accepted, in characters. The longest that IAM documents is 4096.
pub(super) const MAX_TOKEN_LEN: usize = 16_384;

/// The longest OAuth token that IAM's `Create` accepts *(Yandex Cloud, "IamTokenService")*.
#[cfg(feature = "oauth")]
const MAX_OAUTH_TOKEN_LEN: usize = 4000;

/// Why a text is not a token or an API key. Prints the reason and the offset, never the text.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::Credential;
///
/// let error = Credential::api_key("AQVNabc\n").unwrap_err();
/// assert_eq!(error.to_string(), "invalid credential: white space, trim it (at offset 7)");
/// assert_eq!(error.offset(), Some(7));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidCredential {
    pub(super) reason: Reason,
    pub(super) offset: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    ApiKey,
    Character,
    Empty,
    IamToken,
    OAuthToken,
    #[cfg(feature = "oauth")]
    NoOAuthToken,
    Padding,
    Prefix(Scheme),
    TooLong(usize),
    WhiteSpace,
}

impl InvalidCredential {
    /// The offset of the first character that is not allowed, in bytes. `None` if the length is
    /// wrong.
    pub const fn offset(&self) -> Option<usize> {
        self.offset
    }

    const fn at(reason: Reason, offset: usize) -> Self {
        Self {
            reason,
            offset: Some(offset),
        }
    }

    const fn of_length(reason: Reason) -> Self {
        Self {
            reason,
            offset: None,
        }
    }
}

impl fmt::Display for InvalidCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid credential: ")?;
        match self.reason {
            Reason::ApiKey => {
                f.write_str("it is an API key, not an IAM token: use `Credential::api_key`")?;
            }
            Reason::IamToken => {
                f.write_str("it is an IAM token, not an API key: use `Credential::iam_token`")?;
            }
            Reason::OAuthToken => f.write_str(
                "it is an OAuth token, which the APIs do not accept: `OAuthToken` exchanges it for \
                 an IAM token",
            )?,
            #[cfg(feature = "oauth")]
            Reason::NoOAuthToken => {
                f.write_str("it is an IAM token or an API key, not an OAuth token")?;
            }
            Reason::Character => {
                f.write_str("a character that is not allowed in a token or key")?
            }
            Reason::Empty => f.write_str("it is empty")?,
            Reason::Padding => f.write_str("a `=` that is neither at the end nor before a `.`")?,
            Reason::Prefix(scheme) => {
                write!(f, "it starts with `{scheme} `, leave the scheme out")?
            }
            Reason::TooLong(max) => write!(f, "it is longer than {max} characters")?,
            Reason::WhiteSpace => f.write_str("white space, trim it")?,
        }
        match self.offset {
            Some(offset) => write!(f, " (at offset {offset})"),
            None => Ok(()),
        }
    }
}

impl Error for InvalidCredential {}

/// Checks for RFC 9110's `token68`, with `=` also before a `.`. `HeaderValue` alone accepts tabs
/// and bytes that are not ASCII.
pub(super) fn check_token68(token: &str) -> Result<(), InvalidCredential> {
    let bytes = token.as_bytes();
    if bytes.is_empty() {
        return Err(InvalidCredential::of_length(Reason::Empty));
    }
    if bytes.len() > MAX_TOKEN_LEN {
        return Err(InvalidCredential::of_length(Reason::TooLong(MAX_TOKEN_LEN)));
    }
    for scheme in [Scheme::ApiKey, Scheme::Bearer] {
        let (word, rest) = bytes.split_at(bytes.len().min(scheme.as_str().len()));
        if word.eq_ignore_ascii_case(scheme.as_str().as_bytes())
            && rest.first().is_some_and(u8::is_ascii_whitespace)
        {
            return Err(InvalidCredential::at(Reason::Prefix(scheme), 0));
        }
    }
    for (offset, &byte) in bytes.iter().enumerate() {
        match byte {
            b'=' if offset == 0 => return Err(InvalidCredential::at(Reason::Padding, offset)),
            b'=' if matches!(bytes.get(offset + 1), None | Some(b'=' | b'.')) => {}
            b'=' => return Err(InvalidCredential::at(Reason::Padding, offset)),
            byte if byte.is_ascii_whitespace() => {
                return Err(InvalidCredential::at(Reason::WhiteSpace, offset));
            }
            byte if byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte) => {}
            _ => return Err(InvalidCredential::at(Reason::Character, offset)),
        }
    }
    Ok(())
}

/// [`check_token68`] for an OAuth token, whose length IAM limits.
#[cfg(feature = "oauth")]
pub(crate) fn check_oauth_token(token: &str) -> Result<(), InvalidCredential> {
    check_token68(token)?;
    if token.len() > MAX_OAUTH_TOKEN_LEN {
        let reason = Reason::TooLong(MAX_OAUTH_TOKEN_LEN);
        return Err(InvalidCredential::of_length(reason));
    }
    match token.as_bytes() {
        [b't', b'0'..=b'9', b'.', ..] | [b'A', b'Q', b'V', b'N', ..] => {
            Err(InvalidCredential::at(Reason::NoOAuthToken, 0))
        }
        _ => Ok(()),
    }
}

/// Refuses a secret of another kind by its first characters. Yandex does not document them as
/// stable, so an unknown form is accepted.
pub(super) fn check_kind(scheme: Scheme, secret: &str) -> Result<(), InvalidCredential> {
    let reason = match (secret.as_bytes(), scheme) {
        ([b'y', b'0'..=b'3', b'_', ..], _) => Reason::OAuthToken,
        ([b't', b'0'..=b'9', b'.', ..], Scheme::ApiKey) => Reason::IamToken,
        ([b'A', b'Q', b'V', b'N', ..], Scheme::Bearer) => Reason::ApiKey,
        _ => return Ok(()),
    };
    Err(InvalidCredential::at(reason, 0))
}
