//! Runs all cases on all kinds of requests and prints the times, then the ratios.

use crate::cases::{BARE, INSERT, TOWER_HTTP};
use crate::harness::{self, BATCH, Case, Map, Target, median, median_of, order};

const KINDS: [(Map, Target); 6] = [
    (Map::A, Target::Absolute),
    (Map::B, Target::Absolute),
    (Map::C, Target::Absolute),
    (Map::A, Target::NoAuthority),
    (Map::B, Target::NoAuthority),
    (Map::C, Target::NoAuthority),
];

pub(crate) fn run(cases: &mut [Case]) {
    let rounds = if harness::is_bench() { 3000 } else { 2 };
    let samples = sample(cases, rounds);
    let find = |name: &str| cases.iter().position(|case| case.name == name).expect("one of the cases");
    let (bare, insert, tower_http) = (find(BARE), find(INSERT), find(TOWER_HTTP));
    let names: Vec<_> = cases.iter().map(|case| case.name).collect();

    println!("ns over the bare service (the bare service: its own), medians of {rounds} rounds of {BATCH} requests");
    table(&names, |kind, case| {
        let of = &samples[kind];
        if case == bare { median(&of[bare]) } else { median_of(|at| of[case][at] - of[bare][at], rounds) }
    });
    for (what, limit) in [("a plain insert", insert), ("tower-http's AddAuthorization", tower_http)] {
        println!("times {what}, both over the bare service, medians of the rounds' ratios");
        table(&names, |kind, case| {
            let of = &samples[kind];
            median_of(|at| (of[case][at] - of[bare][at]) / (of[limit][at] - of[bare][at]), rounds)
        });
    }
}

/// Nanoseconds a request, by kind, case and round.
fn sample(cases: &mut [Case], rounds: usize) -> Vec<Vec<Vec<f64>>> {
    let mut samples = vec![vec![Vec::with_capacity(rounds); cases.len()]; KINDS.len()];
    for round in 0..rounds {
        for ((map, target), samples) in KINDS.into_iter().zip(&mut samples) {
            for case in order(round, cases.len()) {
                samples[case].push(cases[case].time(map, target));
            }
        }
    }
    samples
}

fn table(names: &[&str], value: impl Fn(usize, usize) -> f64) {
    println!("\n| case | A | B | C | A, no authority | B, no authority | C, no authority |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (case, name) in names.iter().enumerate() {
        print!("| {name} |");
        for kind in 0..KINDS.len() {
            print!(" {:.2} |", value(kind, case));
        }
        println!();
    }
    println!();
}
