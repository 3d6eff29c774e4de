//! The reference model: what a cache holds, and when it may fetch and drop.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::Violation;
use crate::clock::Reading;
use crate::event::{Answer, Lifetime};
use crate::require;

const MAX_AGE: Duration = Duration::from_secs(3600);
/// Rounding of products with a fraction.
const ROUNDING: Duration = Duration::from_micros(1);

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A credential in the cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Its text is `t1.number`.
    pub(crate) number: usize,
    at: Reading,
    /// `None` where it never ends.
    lifetime: Option<Duration>,
}

impl Entry {
    /// The time it is still usable: its last 5 % are not, 10 s at most.
    pub(crate) fn time_left(&self, now: &Reading) -> Duration {
        let Some(lifetime) = self.lifetime else {
            return Duration::MAX;
        };
        (lifetime - s(10).min(lifetime / 20)).saturating_sub(now.since(&self.at))
    }

    pub(crate) fn is_usable(&self, now: &Reading) -> bool {
        !self.time_left(now).is_zero()
    }

    pub(crate) const fn never_ends(&self) -> bool {
        self.lifetime.is_none()
    }

    /// The age at which it is due at the earliest: the random parts take off up to 91 %.
    fn earliest_due(&self) -> Option<Duration> {
        let due = self.lifetime?.mul_f64(0.8).min(MAX_AGE);
        Some(due.mul_f64(0.09))
    }
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    at: Reading,
    is_permanent: bool,
    retry_after: Duration,
    /// How long the entry was usable at the last failure.
    time_left: Duration,
}

impl Failures {
    /// The shortest and the longest cool-down after the last failure.
    fn pause(&self, has_entry: bool) -> (Duration, Duration) {
        let (first, cap) = match (self.is_permanent, has_entry && !self.time_left.is_zero()) {
            (false, _) => (1, 120),
            (true, false) => (10, 120),
            (true, true) => (10, 600),
        };
        let by_count = s(cap).min(s(first << (self.count - 1).min(10)));
        let by_time_left = match has_entry {
            true => (self.time_left / 2).min(s(600)),
            false => Duration::ZERO,
        };
        let longest = by_count.max(by_time_left);
        let shortest = (longest / 2).max(self.retry_after);
        (shortest, longest.max(self.retry_after * 2))
    }
}

#[derive(Default)]
struct Drops {
    count: u32,
    last: Option<Reading>,
    dropped: BTreeSet<usize>,
}

/// The state that a cache must be in.
#[derive(Default)]
pub(crate) struct Reference {
    entry: Option<Entry>,
    entries: Vec<Entry>,
    failures: Option<Failures>,
    drops: Drops,
    rejections: u64,
    last_start: Option<Reading>,
    credentials: usize,
}

impl Reference {
    /// The entry, if both clocks find it usable.
    pub(crate) fn usable(&self, now: &Reading) -> Option<Entry> {
        self.entry.filter(|entry| entry.is_usable(now))
    }

    pub(crate) fn generation(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures.map_or(0, |failures| failures.count)
    }

    pub(crate) const fn rejections(&self) -> u64 {
        self.rejections
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entry.is_none()
    }

    /// The shortest and the longest time that is left of the cool-down.
    pub(crate) fn cool_down(&self, now: &Reading) -> (Duration, Duration) {
        let Some(failures) = self.failures else {
            return (Duration::ZERO, Duration::ZERO);
        };
        let (shortest, longest) = failures.pause(self.usable(now).is_some());
        let since = now.since(&failures.at);
        (
            shortest.saturating_sub(since + ROUNDING),
            longest.saturating_sub(since),
        )
    }

    /// A fetch starts. One that a caller forces may start at any time.
    pub(crate) fn start(&mut self, at: Reading, is_forced: bool) -> Result<(), Violation> {
        if !is_forced {
            self.check_start(&at)?;
        }
        self.last_start = Some(at);
        Ok(())
    }

    fn check_start(&self, at: &Reading) -> Result<(), Violation> {
        let (shortest, _) = self.cool_down(at);
        require!(
            shortest.is_zero(),
            "I3: a fetch started {shortest:?} before the end of the cool-down"
        );
        let Some(entry) = self.usable(at) else {
            return Ok(());
        };
        let age = at.since(&entry.at);
        let due = entry.earliest_due();
        require!(
            due.is_some_and(|due| age + ROUNDING >= due),
            "I3: a fetch started at age {age:?} of an entry that is due at {due:?} or later"
        );
        Ok(())
    }

    /// The source answered the fetch.
    pub(crate) fn answer(&mut self, answer: Answer, at: Reading) {
        let (is_permanent, retry_after) = match answer {
            Answer::Credential(lifetime) => return self.store(lifetime, at),
            Answer::Permanent => (true, 0),
            Answer::Transient { retry_after } => (false, retry_after.unwrap_or(0)),
            Answer::Hang | Answer::NotConfigured | Answer::Panic => (false, 0),
        };
        self.fail(at, is_permanent, s(retry_after.min(300)));
    }

    fn store(&mut self, lifetime: Lifetime, at: Reading) {
        let lifetime = match lifetime {
            Lifetime::At(seconds) => Some(s(seconds.max(0).unsigned_abs())),
            Lifetime::In(seconds) => Some(s(seconds)),
            Lifetime::Never => None,
        };
        let number = self.credentials;
        self.credentials += 1;
        if lifetime.is_some_and(|lifetime| lifetime < s(1)) {
            return self.fail(at, false, Duration::ZERO);
        }
        if self.entry.is_some() && self.rejections == 0 {
            self.drops.count = 0;
        }
        self.rejections = 0;
        self.failures = None;
        let entry = Entry {
            number,
            at,
            lifetime,
        };
        self.entry = Some(entry);
        self.entries.push(entry);
    }

    /// The fetch failed for now, without an answer.
    pub(crate) fn time_out(&mut self, at: Reading) {
        self.fail(at, false, Duration::ZERO);
    }

    fn fail(&mut self, at: Reading, is_permanent: bool, retry_after: Duration) {
        let usable = self.usable(&at);
        self.failures = Some(Failures {
            count: self.failures() + 1,
            at,
            is_permanent,
            retry_after,
            time_left: usable.map_or(Duration::ZERO, |entry| entry.time_left(&at)),
        });
    }

    /// A server rejects credential `number`. Returns whether it is dropped.
    pub(crate) fn reject(&mut self, number: usize, now: Reading) -> bool {
        let Some(entry) = self.entry.filter(|entry| entry.number == number) else {
            return false;
        };
        self.rejections += 1;
        let spacing = s(600).min(s(30 << self.drops.count.saturating_sub(1).min(10)));
        let is_too_soon = self.drops.last.is_some_and(|at| now.since(&at) < spacing);
        if now.since(&entry.at) < s(5) || is_too_soon {
            return false;
        }
        self.drops.count += 1;
        self.drops.last = Some(now);
        self.drops.dropped.insert(number);
        self.entry = None;
        true
    }

    /// A caller gets credential `number`.
    pub(crate) fn check_use(&self, number: usize, now: &Reading) -> Result<Entry, Violation> {
        let entry = self.entries.iter().find(|entry| entry.number == number);
        let entry = *entry.ok_or_else(|| format!("I1: t1.{number} never entered the cache"))?;
        require!(
            !self.drops.dropped.contains(&number),
            "I6: t1.{number} was used after it was dropped"
        );
        require!(
            entry.is_usable(now),
            "I1: t1.{number} was used after it expired"
        );
        Ok(entry)
    }
}
