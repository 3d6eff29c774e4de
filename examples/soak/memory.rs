//! The memory of the process during the run.

use std::alloc::System;
use std::fs;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The pages in which Linux counts.
const PAGE_KIB: u64 = 4;

/// Readings of the memory, in KiB.
#[derive(Default)]
pub(crate) struct Memory {
    allocated: Vec<u64>,
    /// Empty where the system does not report it.
    resident: Vec<u64>,
}

/// The memory after a warm-up and at the end, in KiB.
#[derive(Clone, Copy, Default)]
pub(crate) struct Growth {
    pub(crate) before: u64,
    pub(crate) after: u64,
}

impl Memory {
    pub(crate) fn read(&mut self) {
        self.allocated.push(allocated());
        self.resident.extend(resident());
    }

    pub(crate) fn allocated(&self) -> Growth {
        Growth::of(&self.allocated)
    }

    pub(crate) fn resident(&self) -> Growth {
        Growth::of(&self.resident)
    }
}

impl Growth {
    /// The medians of the second and of the last third. Single readings vary with the requests in
    /// flight.
    fn of(readings: &[u64]) -> Self {
        let third = readings.len() / 3;
        Self {
            before: median(&readings[third..2 * third]),
            after: median(&readings[2 * third..]),
        }
    }

    pub(crate) const fn growth(self) -> u64 {
        self.after.saturating_sub(self.before)
    }
}

fn median(readings: &[u64]) -> u64 {
    let mut sorted = readings.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn allocated() -> u64 {
    let stats = ALLOCATOR.stats();
    let bytes = stats
        .bytes_allocated
        .saturating_sub(stats.bytes_deallocated);
    bytes as u64 / 1024
}

fn resident() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_KIB)
}
