//! The requests that the token endpoint gets, second by second.

use std::ops::Range;
use std::time::Duration;

pub(crate) struct Load {
    name: &'static str,
    seconds: Vec<u32>,
}

impl Load {
    pub(crate) fn new(name: &'static str, time: Duration) -> Self {
        Self {
            name,
            seconds: vec![0; second(time)],
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn add(&mut self, at: Duration, requests: u32) {
        self.seconds[second(at)] += requests;
    }

    /// The requests of the largest second of a phase.
    pub(crate) fn peak(&self, phase: Range<Duration>) -> u32 {
        let seconds = &self.seconds[second(phase.start)..second(phase.end)];
        seconds.iter().copied().max().unwrap_or_default()
    }

    /// The mean of the requests per second in a phase.
    pub(crate) fn mean(&self, phase: Range<Duration>) -> f64 {
        let seconds = &self.seconds[second(phase.start)..second(phase.end)];
        let requests: f64 = seconds.iter().copied().map(f64::from).sum();
        requests / (phase.end - phase.start).as_secs_f64()
    }

    /// The requests of the largest second of each minute.
    pub(crate) fn peaks(&self) -> Vec<u32> {
        let minutes = self.seconds.chunks(60);
        minutes
            .map(|minute| minute.iter().copied().max().unwrap_or_default())
            .collect()
    }
}

fn second(at: Duration) -> usize {
    usize::try_from(at.as_secs()).expect("a day has few seconds")
}
