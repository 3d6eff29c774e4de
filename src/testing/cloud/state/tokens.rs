//! Issues, checks and revokes IAM tokens.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use crate::testing::cloud::state::random;
use crate::testing::cloud::wire::status::ErrorStatus;

const INVALID: &str = "Token is invalid or has expired.";

/// The issued tokens, and the properties of the next ones.
pub(crate) struct Tokens {
    issued: HashMap<String, Token>,
    /// The lifetime of a new token.
    pub(crate) lifetime: Duration,
    /// Whether an account gets its last token again while more than half of its lifetime is left.
    pub(crate) reused: bool,
}

struct Token {
    account: String,
    expires_at: SystemTime,
    revoked: bool,
}

/// A token and its expiry.
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) expires_at: SystemTime,
}

impl Tokens {
    pub(crate) fn new() -> Self {
        Self {
            issued: HashMap::new(),
            lifetime: Duration::from_secs(12 * 3600),
            reused: false,
        }
    }

    pub(crate) fn issue(&mut self, account: &str, now: SystemTime) -> Issued {
        if self.reused {
            self.issue_cached(account, now)
        } else {
            self.issue_new(account, now)
        }
    }

    /// Returns the account's last token while more than half of its lifetime is left, as the
    /// metadata service always does.
    pub(crate) fn issue_cached(&mut self, account: &str, now: SystemTime) -> Issued {
        let (half, whole) = (now + self.lifetime / 2, now + self.lifetime);
        // The upper limit excludes tokens that were issued before a test shortened the lifetime.
        let is_reusable =
            |token: &Token| !token.revoked && half < token.expires_at && token.expires_at <= whole;
        let issued = self
            .issued
            .iter()
            .filter(|(_, token)| token.account == account && is_reusable(token));
        match issued.max_by_key(|(_, token)| token.expires_at) {
            Some((text, token)) => Issued {
                token: text.clone(),
                expires_at: token.expires_at,
            },
            None => self.issue_new(account, now),
        }
    }

    fn issue_new(&mut self, account: &str, now: SystemTime) -> Issued {
        let (token, expires_at) = (random::iam_token(), now + self.lifetime);
        self.issued.insert(
            token.clone(),
            Token {
                account: account.to_owned(),
                expires_at,
                revoked: false,
            },
        );
        Issued { token, expires_at }
    }

    pub(crate) fn account(&self, token: &str) -> Option<&str> {
        self.issued.get(token).map(|token| token.account.as_str())
    }

    /// Returns the account of the token if the token is valid.
    pub(crate) fn check(&self, token: &str, now: SystemTime) -> Result<String, ErrorStatus> {
        match self.issued.get(token) {
            Some(token) if !token.revoked && now < token.expires_at => Ok(token.account.clone()),
            _ => Err(ErrorStatus::unauthenticated(INVALID)),
        }
    }

    /// Revokes a token and returns its account.
    pub(crate) fn revoke(&mut self, token: &str) -> Option<String> {
        let token = self.issued.get_mut(token)?;
        token.revoked = true;
        Some(token.account.clone())
    }

    pub(crate) fn revoke_all(&mut self) {
        self.issued
            .values_mut()
            .for_each(|token| token.revoked = true);
    }
}
