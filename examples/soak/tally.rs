//! The counts of the requests.

use crate::outcome::{Attempt, Cause, History, Outcome};

/// The errors of ours whose text is kept.
const KEPT: usize = 5;

/// What happened to the requests of one or more workers.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    /// Failures that an injected fault caused, by what the caller got.
    pub(crate) failed: u64,
    pub(crate) rejected: u64,
    pub(crate) timed_out: u64,
    pub(crate) unsent: u64,
    /// Failures without such a fault.
    pub(crate) ours: u64,
    pub(crate) errors: Vec<String>,
}

impl Tally {
    /// Counts a request, and returns whether it was answered.
    pub(crate) fn add(&mut self, attempt: &Attempt, history: &History) -> bool {
        self.sent += 1;
        let cause = history.cause(attempt);
        let answered = cause.is_none();
        match cause {
            None => self.answered += 1,
            Some(Cause::Ours(error)) => self.add_ours(error),
            Some(Cause::Cloud) => match attempt.outcome {
                Outcome::Rejected => self.rejected += 1,
                Outcome::TimedOut => self.timed_out += 1,
                Outcome::Unsent(_) => self.unsent += 1,
                Outcome::Answered | Outcome::Denied(_) | Outcome::Failed(_) => self.failed += 1,
            },
        }
        answered
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.sent += other.sent;
        self.answered += other.answered;
        self.failed += other.failed;
        self.rejected += other.rejected;
        self.timed_out += other.timed_out;
        self.unsent += other.unsent;
        self.ours += other.ours;
        self.errors.extend(other.errors);
        self.errors.truncate(KEPT);
    }

    /// The failures that injected faults caused.
    pub(crate) fn by_cloud(&self) -> u64 {
        self.failed + self.rejected + self.timed_out + self.unsent
    }

    fn add_ours(&mut self, error: String) {
        self.ours += 1;
        if self.errors.len() < KEPT {
            self.errors.push(error);
        }
    }
}
