//! What happened to a request, and whether the cloud or the crate caused a failure.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long after a fault its effects may last on connections that were open.
const CONNECTIONS: Duration = Duration::from_secs(1);

/// How long after a fault of IAM its effects may last: the longest cool-down without a credential,
/// two minutes and the jitter by the fast clock, and the lifetime of a token whose drop is limited.
pub(crate) const SETTLE: Duration = Duration::from_secs(6);

/// What a caller got.
pub(crate) enum Outcome {
    /// A success of the server.
    Answered,
    /// Another error of the server, or of the connection.
    Failed(String),
    /// The policy denied the request.
    Denied(String),
    /// The server rejected the credentials.
    Rejected,
    /// No response in time.
    TimedOut,
    /// The layer had no credential to send.
    Unsent(String),
}

/// One request of a client.
pub(crate) struct Attempt {
    pub(crate) start: Instant,
    pub(crate) outcome: Outcome,
    /// Whether the cache held the same valid credential before and after the request.
    pub(crate) held: bool,
    /// The newest token that the client has seen in the cache. `None` for an API key: those are
    /// not revoked in this program.
    pub(crate) token: Option<Token>,
}

/// The times of a token, in real time.
#[derive(Clone, Copy)]
pub(crate) struct Token {
    pub(crate) fetched: Instant,
    /// When the cache stops using it.
    pub(crate) expires: Instant,
}

/// What caused a failure.
pub(crate) enum Cause {
    Cloud,
    Ours(String),
}

/// The times at which faults were active.
pub(crate) struct History {
    origin: Instant,
    pub(crate) api: LastFault,
    pub(crate) iam: LastFault,
    /// Times at which tokens that had not expired became invalid.
    pub(crate) tokens: LastFault,
}

/// The end of the last fault in milliseconds, [`ACTIVE`] during it, and 0 before the first.
#[derive(Default)]
pub(crate) struct LastFault(AtomicU64);

const ACTIVE: u64 = u64::MAX;

impl LastFault {
    pub(crate) fn begin(&self) {
        self.0.store(ACTIVE, Ordering::SeqCst);
    }
}

impl History {
    pub(crate) fn start() -> Self {
        Self {
            // A time before the first fault.
            origin: Instant::now() - SETTLE,
            api: LastFault::default(),
            iam: LastFault::default(),
            tokens: LastFault::default(),
        }
    }

    /// Ends the faults that are active.
    pub(crate) fn end(&self) {
        let now = self.millis(Instant::now());
        for LastFault(end) in [&self.api, &self.iam, &self.tokens] {
            let _inactive = end.compare_exchange(ACTIVE, now, Ordering::SeqCst, Ordering::SeqCst);
        }
    }

    /// What caused the outcome, or `None` for a success.
    ///
    /// A failure is the cloud's if an injected fault that has this effect was active during the
    /// request, or so shortly before it that its effects may last. Every other failure is ours. No
    /// fault of IAM is an excuse where the cache held a valid credential, or must have held one. No
    /// rejection is excused whose token was fetched after all revocations.
    pub(crate) fn cause(&self, attempt: &Attempt) -> Option<Cause> {
        let start = attempt.start;
        let (excused, what) = match &attempt.outcome {
            Outcome::Answered => return None,
            Outcome::Denied(error) => (false, format!("denied: {error}")),
            Outcome::Failed(error) => (
                self.since(&self.api, start, CONNECTIONS),
                format!("failed without a fault: {error}"),
            ),
            Outcome::Rejected => (
                attempt
                    .token
                    .is_some_and(|token| self.was_invalidated(token)),
                "rejected although the credential was valid".to_owned(),
            ),
            Outcome::TimedOut => (
                self.since(&self.api, start, CONNECTIONS) || self.may_lack_token(attempt),
                "timed out without a fault".to_owned(),
            ),
            Outcome::Unsent(error) => (
                self.may_lack_token(attempt),
                format!("not sent (credential held: {}): {error}", attempt.held),
            ),
        };
        Some(if excused {
            Cause::Cloud
        } else {
            Cause::Ours(what)
        })
    }

    fn may_lack_token(&self, attempt: &Attempt) -> bool {
        let is_over = |token: Token| token.expires <= Instant::now() || self.was_invalidated(token);
        !attempt.held
            && attempt.token.is_none_or(is_over)
            && self.since(&self.iam, attempt.start, SETTLE)
    }

    fn was_invalidated(&self, token: Token) -> bool {
        self.since(&self.tokens, token.fetched, Duration::ZERO)
    }

    /// Whether a fault was active after `start`, or at most `margin` before it.
    fn since(&self, LastFault(end): &LastFault, start: Instant, margin: Duration) -> bool {
        let end = end.load(Ordering::SeqCst);
        end != 0 && end >= self.millis(start - margin)
    }

    fn millis(&self, time: Instant) -> u64 {
        let since = time.saturating_duration_since(self.origin);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
