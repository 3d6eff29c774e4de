//! Building a credential, by the length of its token, compared to building a header value by hand.
//! See `benches/README.md`.

#[path = "harness/mod.rs"]
mod harness;

use std::hint::black_box;
use std::time::Instant;

use http::HeaderValue;
use yandex_cloud_auth::Credential;

use harness::{is_bench, median, median_of, nanos_each, order, token};

const REPEATS: usize = 32;
const LENGTHS: [usize; 4] = [200, 300, 1000, 4000];

/// A way to build what is sent from a token.
struct Case {
    name: &'static str,
    build: fn(&str),
}

const CASES: [Case; 4] = [
    Case {
        name: "`Credential::iam_token` (checked, zeroed when dropped)",
        build: credential,
    },
    Case {
        name: "`format!`, then `HeaderValue::try_from`",
        build: format_and_move,
    },
    Case {
        name: "`format!`, then `HeaderValue::from_str`",
        build: format_and_copy,
    },
    Case {
        name: "clone of a ready credential",
        build: |_| {},
    },
];

fn credential(token: &str) {
    drop(black_box(Credential::iam_token(token)));
}

fn format_and_move(token: &str) {
    drop(black_box(HeaderValue::try_from(format!("Bearer {token}"))));
}

fn format_and_copy(token: &str) {
    drop(black_box(HeaderValue::from_str(&format!("Bearer {token}"))));
}

fn main() {
    let rounds = if is_bench() { 2000 } else { 2 };
    let tokens = LENGTHS.map(token);
    let ready = tokens
        .each_ref()
        .map(|token| Credential::iam_token(token).expect("token68"));
    let mut samples = vec![vec![Vec::with_capacity(rounds); CASES.len()]; LENGTHS.len()];
    for round in 0..rounds {
        for length in 0..LENGTHS.len() {
            for case in order(round, CASES.len()) {
                let start = Instant::now();
                for _ in 0..REPEATS {
                    match case {
                        3 => drop(black_box(ready[length].clone())),
                        _ => (CASES[case].build)(black_box(&tokens[length])),
                    }
                }
                samples[length][case].push(nanos_each(start, REPEATS));
            }
        }
    }
    table("ns with the drop, medians", |length, case| {
        median(&samples[length][case])
    });
    table(
        "times `format!` and `HeaderValue::try_from`, medians of the rounds' ratios",
        |length, case| {
            median_of(
                |round| samples[length][case][round] / samples[length][1][round],
                rounds,
            )
        },
    );
}

fn table(title: &str, value: impl Fn(usize, usize) -> f64) {
    println!(
        "{title}\n\n| case | {} |",
        LENGTHS.map(|length| format!("{length} bytes")).join(" | ")
    );
    println!("|---|--:|--:|--:|--:|");
    for (case, Case { name, .. }) in CASES.iter().enumerate() {
        let cells: Vec<_> = (0..LENGTHS.len())
            .map(|length| format!("{:.2}", value(length, case)))
            .collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    println!();
}
