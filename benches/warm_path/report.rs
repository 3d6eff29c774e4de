//! Runs all cases on all kinds of requests and prints the times, then the ratios.

use crate::cases::{BARE, INSERT, TOWER_HTTP};
use crate::harness::{self, BATCH, Case, Map, Target, interleave, median, median_of, requests};

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
    let count = cases.len();
    let samples = interleave(count * KINDS.len(), rounds, |index| {
        let (map, target) = KINDS[index / count];
        cases[index % count].time(&mut requests(map, target, BATCH))
    });
    let find = |name: &str| cases.iter().position(|case| case.name == name).expect("one of the cases");
    let (bare, insert, tower_http) = (find(BARE), find(INSERT), find(TOWER_HTTP));
    let names: Vec<_> = cases.iter().map(|case| case.name).collect();

    println!("ns over the bare service (the bare service: its own), medians of {rounds} rounds of {BATCH} requests");
    table(&names, |kind, case| {
        let of = &samples[kind * count..][..count];
        if case == bare { median(&of[bare]) } else { median_of(|at| of[case][at] - of[bare][at], rounds) }
    });
    for (what, limit) in [("a plain insert", insert), ("tower-http's AddAuthorization", tower_http)] {
        println!("times {what}, both over the bare service, medians of the rounds' ratios");
        table(&names, |kind, case| {
            let of = &samples[kind * count..][..count];
            median_of(|at| (of[case][at] - of[bare][at]) / (of[limit][at] - of[bare][at]), rounds)
        });
    }
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
