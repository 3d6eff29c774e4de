//! Runs all cases in all shapes on all kinds of requests and prints one table for each kind.

use std::fs;

use crate::cases::{BARE, TOWER_HTTP};
use crate::chart;
use crate::harness::{BATCH, Case, Map, SHAPES, Target, argument, median, median_of, order};

const KINDS: [(&str, Map, Target); 6] = [
    ("A, absolute URI", Map::A, Target::Absolute),
    ("B, absolute URI", Map::B, Target::Absolute),
    ("C, absolute URI", Map::C, Target::Absolute),
    ("A, no authority", Map::A, Target::NoAuthority),
    ("B, no authority", Map::B, Target::NoAuthority),
    ("C, no authority", Map::C, Target::NoAuthority),
];

/// Nanoseconds per request, by case and round.
type Samples = Vec<Vec<f64>>;

/// `cases` has the same cases for each shape. With `--svg FILE`, also draws what each case adds to
/// a request of kind C with an absolute URI.
pub(crate) fn run(cases: &mut [Vec<Case>; SHAPES.len()], rounds: usize) {
    let names: Vec<_> = cases[0].iter().map(|case| case.name).collect();
    let samples = sample(cases, rounds);
    println!(
        "Medians of {rounds} rounds of {BATCH} requests, in ns. The bare service: its own time. \
         The others: over the bare service, over tower-http's AddAuthorization, and as a multiple \
         of it."
    );
    for ((kind, ..), samples) in KINDS.into_iter().zip(&samples) {
        table(kind, &names, samples);
    }
    if let Some(file) = argument("--svg") {
        fs::write(file, draw(&names, &samples[2])).expect("the file can be written");
    }
}

/// The samples of each shape, by kind of request.
fn sample(cases: &mut [Vec<Case>; SHAPES.len()], rounds: usize) -> Vec<Vec<Samples>> {
    let count = cases[0].len();
    let empty = vec![vec![Vec::with_capacity(rounds); count]; SHAPES.len()];
    let mut samples = vec![empty; KINDS.len()];
    for round in 0..rounds {
        for ((_, map, target), samples) in KINDS.into_iter().zip(&mut samples) {
            for turn in order(round, count * SHAPES.len()) {
                let (shape, case) = (turn / count, turn % count);
                samples[shape][case].push(cases[shape][case].time(map, target));
            }
        }
    }
    samples
}

fn table(kind: &str, names: &[&str], samples: &[Samples]) {
    print!("\n| {kind} |");
    for shape in SHAPES {
        print!(" {} |", shape.name());
    }
    println!("\n|---|--:|--:|--:|");
    for (case, name) in names.iter().enumerate() {
        print!("| {name} |");
        for samples in samples {
            print!(" {} |", cell(names, samples, case));
        }
        println!();
    }
}

fn cell(names: &[&str], samples: &Samples, case: usize) -> String {
    let of = |name: &str| &samples[find(names, name)];
    let (one, bare, tower_http) = (&samples[case], of(BARE), of(TOWER_HTTP));
    if names[case] == BARE {
        return format!("{:.1}", median(bare));
    }
    let rounds = one.len();
    let over = median_of(|at| one[at] - bare[at], rounds);
    let more = median_of(|at| one[at] - tower_http[at], rounds);
    let ratio = median_of(
        |at| (one[at] - bare[at]) / (tower_http[at] - bare[at]),
        rounds,
    );
    format!("{over:.1}, {more:+.1}, {ratio:.2} x")
}

/// All cases but the bare service, in their order, in the last shape, which is the worst.
fn draw(names: &[&str], samples: &[Samples]) -> String {
    let ready = samples.last().expect("there are three shapes");
    let bare = &ready[find(names, BARE)];
    let over = |case: usize| median_of(|at| ready[case][at] - bare[at], bare.len());
    let bars: Vec<_> = (1..names.len())
        .map(|case| (names[case], over(case)))
        .collect();
    chart::svg(
        "What a warm request adds to the bare service, over a ready future: four headers, absolute URI",
        &bars,
    )
}

fn find(names: &[&str], name: &str) -> usize {
    let found = names.iter().position(|one| *one == name);
    found.expect("one of the cases")
}
