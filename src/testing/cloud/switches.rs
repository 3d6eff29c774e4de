//! Methods that change the behavior of a running cloud.

use std::time::{Duration, SystemTime};

use super::{ErrorShape, ExpiresAt, FakeCloud, Fault, Host};
use crate::clock::{Clock, TimeSource};
use crate::policy::Region;
use crate::testing::cloud::state::world::Skew;

/// A thousand years. A longer time added to the current time could overflow.
const LONGEST: Duration = Duration::from_secs(1000 * 365 * 24 * 3600);

/// # Faults
impl FakeCloud {
    /// Adds a fault to `host`. For each request, the first fault that matches its path and is not
    /// used up applies.
    pub fn inject(&self, host: Host, fault: Fault) {
        self.cloud.lock().faults.inject(host, fault);
    }

    /// Removes all faults from `host`. Requests that hang continue to hang.
    pub fn heal(&self, host: Host) {
        self.cloud.lock().faults.heal(host);
    }
}

/// # Time
impl FakeCloud {
    /// Sets the cloud's clock ahead of its [source](Self::set_clock). This affects the header
    /// `Date`, the expiry of tokens, and the checks of a JWT's times.
    pub fn set_clock_ahead(&self, by: Duration) {
        self.cloud.lock().clock.skew = Skew::Ahead(by.min(LONGEST));
    }

    /// Sets the cloud's clock behind its [source](Self::set_clock). To a client, this is the same
    /// as a local clock that is ahead.
    pub fn set_clock_behind(&self, by: Duration) {
        self.cloud.lock().clock.skew = Skew::Behind(by.min(LONGEST));
    }

    /// Sets the source of the cloud's clock. Default: the system clock.
    ///
    /// With a [`ManualClock`](crate::testing::ManualClock) that the cache also uses, tokens expire
    /// for the cache and for the cloud at the same time.
    pub fn set_clock(&self, clock: impl Clock) {
        self.cloud.lock().clock.source = TimeSource::User(Box::new(clock));
    }
}

/// # Tokens
impl FakeCloud {
    /// Sets the lifetime of the tokens that are issued from now on. Default: 12 hours, Yandex's
    /// maximum. A lifetime of more than 1000 years becomes 1000 years.
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        self.cloud.lock().tokens.lifetime = lifetime.min(LONGEST);
    }

    /// Sets whether an account gets its last token again while more than half of its lifetime is
    /// left, as IAM may do. Default: `false`. The metadata service always reuses tokens.
    pub fn reuse_tokens(&self, reuse: bool) {
        self.cloud.lock().tokens.reused = reuse;
    }

    /// Sets the form of `expiresAt` in IAM's responses. Default: nine digits of a second.
    pub fn set_expires_at(&self, form: ExpiresAt) {
        self.cloud.lock().expires_at = form;
    }

    /// Revokes all tokens that were issued so far.
    pub fn revoke_all(&self) {
        self.cloud.lock().tokens.revoke_all();
    }
}

/// # Keys and accounts
impl FakeCloud {
    /// Sets the region, whose audience a JWT must have. Default: [`Region::russia`].
    pub fn set_region(&self, region: &Region) {
        self.cloud.lock().region = region.clone();
    }

    /// Replaces the authorized key of the first service account. IAM no longer knows the old key.
    pub fn rotate_service_account_key(&self) {
        self.cloud.lock().accounts.rotate_key();
    }

    /// Creates an API key of the first service account. Without scopes it gets the default scopes,
    /// which do not include Workflows.
    pub fn issue_api_key(&self, scopes: &[&str], expires_at: Option<SystemTime>) -> String {
        let mut world = self.cloud.lock();
        let account = world.accounts.first().id.clone();
        world.api_keys.issue(&account, scopes, expires_at)
    }

    /// Deletes all API keys.
    pub fn delete_api_keys(&self) {
        self.cloud.lock().api_keys.delete_all();
    }

    /// Sets whether an account may request a token of another account. Default: `true`.
    pub fn allow_impersonation(&self, allow: bool) {
        self.cloud.lock().accounts.impersonation = allow;
    }
}

/// # Other issuers
impl FakeCloud {
    /// Creates an OAuth token with this time of issue. IAM rejects OAuth tokens issued from
    /// 2026-06-01 on.
    pub fn issue_oauth_token(&self, issued_at: SystemTime) -> String {
        self.cloud.lock().grants.issue_oauth(issued_at)
    }

    /// Creates a subject token with this expiry.
    pub fn issue_subject_token(&self, expires_at: SystemTime) -> String {
        self.cloud.lock().grants.issue_subject(expires_at)
    }

    /// Sets the form of the errors of the token exchange. Default: [`ErrorShape::OAuth`].
    pub fn set_exchange_errors(&self, shape: ErrorShape) {
        self.cloud.lock().exchange_errors = shape;
    }
}

/// # Workflows
impl FakeCloud {
    /// Makes a workflow public: a request to its execution link needs no credentials.
    pub fn publish_workflow(&self, workflow_id: &str) {
        self.cloud.lock().workflows.publish(workflow_id);
    }
}
