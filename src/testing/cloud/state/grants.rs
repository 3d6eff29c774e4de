//! The tokens of other issuers that the cloud exchanges for IAM tokens: OAuth tokens and subject
//! tokens.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use crate::testing::cloud::state::random;

/// 2026-06-01: IAM rejects OAuth tokens issued from then on *(OAuth token, Yandex Cloud docs)*.
const OAUTH_ENDS: Duration = Duration::from_secs(1_780_272_000);

#[derive(Default)]
pub(crate) struct Grants {
    /// The time of issue of each OAuth token.
    oauth: HashMap<String, SystemTime>,
    /// The expiry of each subject token.
    subject: HashMap<String, SystemTime>,
}

impl Grants {
    pub(crate) fn issue_oauth(&mut self, issued_at: SystemTime) -> String {
        let token = random::oauth_token();
        self.oauth.insert(token.clone(), issued_at);
        token
    }

    pub(crate) fn issue_subject(&mut self, expires_at: SystemTime) -> String {
        let token = random::subject_token();
        self.subject.insert(token.clone(), expires_at);
        token
    }

    pub(crate) fn accepts_oauth(&self, token: &str) -> bool {
        self.oauth
            .get(token)
            .is_some_and(|&issued_at| issued_at < SystemTime::UNIX_EPOCH + OAUTH_ENDS)
    }

    pub(crate) fn accepts_subject(&self, token: &str, now: SystemTime) -> bool {
        self.subject.get(token).is_some_and(|&end| now < end)
    }
}
