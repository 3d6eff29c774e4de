//! Runs all cases on all kinds of requests and prints the times, then the ratios.

use std::fs;

use crate::cases::{BARE, INSERT, TOWER_HTTP};
use crate::chart;
use crate::harness::{BATCH, Case, Map, Target, argument, median, median_of, order};

const KINDS: [(Map, Target); 6] = [
    (Map::A, Target::Absolute),
    (Map::B, Target::Absolute),
    (Map::C, Target::Absolute),
    (Map::A, Target::NoAuthority),
    (Map::B, Target::NoAuthority),
    (Map::C, Target::NoAuthority),
];

/// With `--svg FILE`, also draws what each case adds to a request of kind C with an absolute URI.
pub(crate) fn run(cases: &mut [Case], rounds: usize) {
    let samples = sample(cases, rounds);
    let find = |name: &str| {
        cases
            .iter()
            .position(|case| case.name == name)
            .expect("one of the cases")
    };
    let (bare, insert, tower_http) = (find(BARE), find(INSERT), find(TOWER_HTTP));
    let names: Vec<_> = cases.iter().map(|case| case.name).collect();

    println!(
        "ns over the bare service (the bare service: its own), medians of {rounds} rounds of {BATCH} requests"
    );
    table(&names, |kind, case| {
        let of = &samples[kind];
        if case == bare {
            median(&of[bare])
        } else {
            median_of(|at| of[case][at] - of[bare][at], rounds)
        }
    });
    for (what, limit) in [
        ("a plain insert", insert),
        ("tower-http's AddAuthorization", tower_http),
    ] {
        println!("times {what}, both over the bare service, medians of the rounds' ratios");
        table(&names, |kind, case| {
            let of = &samples[kind];
            median_of(
                |at| (of[case][at] - of[bare][at]) / (of[limit][at] - of[bare][at]),
                rounds,
            )
        });
    }
    if let Some(file) = argument("--svg") {
        let of = &samples[2];
        let svg = draw(&names, |case| {
            median_of(|at| of[case][at] - of[bare][at], rounds)
        });
        fs::write(file, svg).expect("the file can be written");
    }
}

/// Nanoseconds per request, by kind, case and round.
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

/// All cases but the bare service, in their order.
fn draw(names: &[&str], nanos: impl Fn(usize) -> f64) -> String {
    let bars: Vec<_> = (1..names.len())
        .map(|case| (names[case], nanos(case)))
        .collect();
    chart::svg(
        "What a warm request costs over the bare service: four headers, absolute URI",
        &bars,
    )
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
