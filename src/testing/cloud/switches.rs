//! What a test may change about the cloud while it runs.

use std::time::{Duration, SystemTime};

use super::{ErrorShape, ExpiresAt, FakeCloud, Fault, Host};
use crate::clock::{Clock, TimeSource};
use crate::testing::cloud::state::world::Skew;

/// A thousand years: what is added to the present must stay a time.
const LONGEST: Duration = Duration::from_secs(1000 * 365 * 24 * 3600);

/// # Faults
impl FakeCloud {
    /// From now on this goes wrong with `host`. Faults come in the order they were injected, each
    /// until it is used up.
    pub fn inject(&self, host: Host, fault: Fault) {
        self.cloud.lock().faults.inject(host, fault);
    }

    /// `host` is well again. Requests that hang go on hanging.
    pub fn heal(&self, host: Host) {
        self.cloud.lock().faults.heal(host);
    }
}

/// # Time
impl FakeCloud {
    /// The cloud's clock is this much ahead of the truth: its `Date`, the ends it sets, and what it
    /// thinks of a JWT's times.
    pub fn set_clock_ahead(&self, by: Duration) {
        self.cloud.lock().clock.skew = Skew::Ahead(by.min(LONGEST));
    }

    /// The cloud's clock is this much behind the truth. What matters to a client is the difference,
    /// so this is also how its own clock comes to be ahead.
    pub fn set_clock_behind(&self, by: Duration) {
        self.cloud.lock().clock.skew = Skew::Behind(by.min(LONGEST));
    }

    /// The truth is what this clock says: one that a test moves and shares with the cache, so that
    /// tokens end for both at once.
    pub fn set_clock(&self, clock: impl Clock) {
        self.cloud.lock().clock.source = TimeSource::User(Box::new(clock));
    }
}

/// # Tokens
impl FakeCloud {
    /// How long the tokens given out from now on live. Default: 12 hours, the most that Yandex
    /// grants. Longer than 1000 years is 1000 years.
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        self.cloud.lock().tokens.lifetime = lifetime.min(LONGEST);
    }

    /// Whether an account gets the token it already has while more than half of a lifetime is left,
    /// as IAM may do. Default: no. The metadata service always does so.
    pub fn reuse_tokens(&self, reuse: bool) {
        self.cloud.lock().tokens.reused = reuse;
    }

    /// How IAM writes `expiresAt`. Default: in nine digits of a second.
    pub fn set_expires_at(&self, form: ExpiresAt) {
        self.cloud.lock().expires_at = form;
    }

    /// Every token given out so far is refused from now on.
    pub fn revoke_all(&self) {
        self.cloud.lock().tokens.revoke_all();
    }
}

/// # Keys and accounts
impl FakeCloud {
    /// The service account gets a new authorized key in place of the old one, which IAM does not
    /// know from now on.
    pub fn rotate_service_account_key(&self) {
        self.cloud.lock().accounts.rotate_key();
    }

    /// Makes an API key. Without scopes it gets the default ones, and Workflows is not among these.
    pub fn issue_api_key(&self, scopes: &[&str], expires_at: Option<SystemTime>) -> String {
        let mut world = self.cloud.lock();
        let account = world.accounts.robot().id.clone();
        world.api_keys.issue(&account, scopes, expires_at)
    }

    /// Every API key made so far is unknown from now on.
    pub fn delete_api_keys(&self) {
        self.cloud.lock().api_keys.delete_all();
    }

    /// Whether one account may ask for the token of another. Default: yes.
    pub fn allow_impersonation(&self, allow: bool) {
        self.cloud.lock().accounts.impersonation = allow;
    }
}

/// # Other issuers
impl FakeCloud {
    /// Makes an OAuth token that was issued then. IAM refuses those issued from 2026-06-01 on.
    pub fn issue_oauth_token(&self, issued_at: SystemTime) -> String {
        self.cloud.lock().grants.issue_oauth(issued_at)
    }

    /// Makes a subject token that ends then.
    pub fn issue_subject_token(&self, expires_at: SystemTime) -> String {
        self.cloud.lock().grants.issue_subject(expires_at)
    }

    /// How the token exchange words an error. Default: as OAuth does.
    pub fn set_exchange_errors(&self, shape: ErrorShape) {
        self.cloud.lock().exchange_errors = shape;
    }
}

/// # Workflows
impl FakeCloud {
    /// Anybody may start this workflow by its execution link, without credentials.
    pub fn publish_workflow(&self, workflow_id: &str) {
        self.cloud.lock().workflows.publish(workflow_id);
    }
}
