//! The table at the end, and the checks in it.

use crate::faults::TokenRequests;
use crate::load::{Counts, Results};
use crate::tally::Tally;

/// The growth of allocated memory that is accepted, in KiB.
const MAX_GROWTH: u64 = 512;

/// The growth of resident memory that is accepted, in KiB: the allocator keeps freed pages.
const MAX_RESIDENT_GROWTH: u64 = 16 * 1024;

/// The successes of each client that are expected on the slowest machine.
const MIN_ANSWERED: u64 = 500;

/// Prints rows and remembers whether a check failed.
#[derive(Default)]
pub(crate) struct Report {
    has_failed: bool,
}

impl Report {
    /// Prints what the clients, the cloud and the process show, beside the requests for tokens that
    /// the faults explain.
    pub(crate) fn results(&mut self, results: &Results, explained: &TokenRequests) {
        for (kind, Counts { all, recovered }) in &results.clients {
            println!("{}", kind.name());
            self.requests(all);
            self.at_least("  answered after recovery", recovered.answered, 1);
            let failed = recovered.by_cloud() + recovered.ours;
            self.at_most("  failed after recovery", failed, 0);
        }
        let record = results.record.lock().expect("a lock without panics");
        println!("cloud");
        self.count("  requests received", record.requests);
        self.at_most("  with wrong credentials", record.wrong_credentials, 0);
        self.at_least("  tokens used", record.tokens.len() as u64, 2);
        self.at_most(
            "  requests for tokens",
            record.token_requests,
            explained.most,
        );
        self.at_most(
            "  of these in one outage of IAM",
            explained.in_outage,
            explained.most_in_outage,
        );
        let (allocated, resident) = (results.memory.allocated(), results.memory.resident());
        println!("process");
        self.count("  allocated after a third, KiB", allocated.before);
        self.at_most("  growth since, KiB", allocated.growth(), MAX_GROWTH);
        self.count("  resident after a third, KiB", resident.before);
        self.at_most(
            "  growth since, KiB",
            resident.growth(),
            MAX_RESIDENT_GROWTH,
        );
    }

    /// A row whose value must be at most `most`.
    pub(crate) fn at_most(&mut self, label: &str, value: u64, most: u64) {
        self.check(label, value, value <= most, &format!("at most {most}"));
    }

    /// Whether a check failed.
    pub(crate) const fn has_failed(&self) -> bool {
        self.has_failed
    }

    fn requests(&mut self, tally: &Tally) {
        self.count("  requests sent", tally.sent);
        self.at_least("  answered", tally.answered, MIN_ANSWERED);
        self.count("  failed by the cloud: error", tally.failed);
        self.count("  failed by the cloud: token rejected", tally.rejected);
        self.count("  failed by the cloud: no response", tally.timed_out);
        self.count("  failed by the cloud: no token", tally.unsent);
        self.at_most("  failed by the crate", tally.ours, 0);
        for error in &tally.errors {
            println!("    {error}");
        }
    }

    fn count(&self, label: &str, value: u64) {
        println!("{label:<40} {value:>10}");
    }

    fn at_least(&mut self, label: &str, value: u64, least: u64) {
        self.check(label, value, value >= least, &format!("at least {least}"));
    }

    fn check(&mut self, label: &str, value: u64, holds: bool, bound: &str) {
        let verdict = if holds { "ok" } else { "FAILED" };
        self.has_failed |= !holds;
        println!("{label:<40} {value:>10}   {bound:<18} {verdict}");
    }
}
