//! Instructions of one warm request, counted by callgrind, and the gate: no case above what it must
//! be, nor 3 % above its last committed figure. `-- --bless` writes the figures anew. See
//! `benches/README.md`.

#[path = "warm_path/cases.rs"]
#[allow(
    dead_code,
    reason = "the names of all cases are there, not all are looked at here"
)]
mod cases;
#[path = "harness/mod.rs"]
mod harness;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::process::{Command, ExitCode};

use cases::{BARE, DEFAULT, DEFAULT_GRPC, DEFAULT_KEY, TOWER_HTTP, UNRESTRICTED};
use harness::{Case, Map, Target, argument, requests};

const REQUESTS: usize = 1000;
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

/// The rise that a committed figure allows.
const TOLERANCE: f64 = 1.03;

const KINDS: [(&str, Map, Target); 6] = [
    ("A", Map::A, Target::Absolute),
    ("B", Map::B, Target::Absolute),
    ("C", Map::C, Target::Absolute),
    ("A-", Map::A, Target::NoAuthority),
    ("B-", Map::B, Target::NoAuthority),
    ("C-", Map::C, Target::NoAuthority),
];

/// Kind of request, case, and the most it may be, times tower-http's `AddAuthorization`, both over
/// the bare service.
const MUST: [(&str, &str, f64); 5] = [
    ("C", UNRESTRICTED, 1.4),
    ("C", DEFAULT, 1.9),
    ("C-", DEFAULT, 1.65),
    ("C-", DEFAULT_GRPC, 1.65),
    ("C", DEFAULT_KEY, 2.35),
];

/// Instructions a request, by kind and case.
type Figures = BTreeMap<(String, String), f64>;

fn main() -> ExitCode {
    match argument("--count") {
        Some(case) => count(&case, &argument("--kind").expect("a kind of request")),
        None if !harness::is_bench() => {}
        None => return gate(),
    }
    ExitCode::SUCCESS
}

fn all_cases() -> Vec<Case> {
    let mut cases = cases::baselines();
    cases.extend(cases::ours());
    cases
}

/// What callgrind watches.
fn count(case: &str, kind: &str) {
    let (_, map, target) = KINDS
        .into_iter()
        .find(|(name, ..)| *name == kind)
        .expect("a kind of request");
    let mut requests = requests(map, target, REQUESTS);
    let mut cases = all_cases();
    let case = cases
        .iter_mut()
        .find(|one| one.name == case)
        .expect("one of the cases");
    (case.run)(&mut requests);
}

fn gate() -> ExitCode {
    let names: Vec<_> = all_cases().iter().map(|case| case.name).collect();
    let mut figures = Figures::new();
    for (kind, ..) in KINDS {
        for name in &names {
            figures.insert((kind.to_owned(), (*name).to_owned()), counted(name, kind));
        }
    }
    let committed = committed();
    print!("{}", table(&names, &figures));
    let failures = [above_must(&figures), above_committed(&figures, &committed)].concat();
    if env::args().any(|argument| argument == "--bless") {
        fs::write(COMMITTED, listing(&figures)).expect("the file can be written");
    }
    for failure in &failures {
        eprintln!("{failure}");
    }
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs this program under callgrind, which counts in `measured` only.
fn counted(case: &str, kind: &str) -> f64 {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--demangle=no",
            "--toggle-collect=*8measured*",
        ])
        .arg(env::current_exe().expect("this program has a path"))
        .args(["--count", case, "--kind", kind])
        .output()
        .expect("valgrind runs: on Debian, apt-get install valgrind");
    let report = String::from_utf8_lossy(&output.stderr);
    let total = report
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let total: f64 = total
        .and_then(|(_, total)| total.trim().parse().ok())
        .unwrap_or_else(|| panic!("{report}"));
    total / REQUESTS as f64
}

fn over_bare(figures: &Figures, kind: &str, case: &str) -> f64 {
    let of = |case: &str| figures[&(kind.to_owned(), case.to_owned())];
    of(case) - of(BARE)
}

fn ratio(figures: &Figures, kind: &str, case: &str) -> f64 {
    over_bare(figures, kind, case) / over_bare(figures, kind, TOWER_HTTP)
}

fn above_must(figures: &Figures) -> Vec<String> {
    MUST.into_iter()
        .filter(|(kind, case, must)| ratio(figures, kind, case) > *must)
        .map(|(kind, case, must)| {
            format!(
                "{kind}, {case}: {:.2} x, must {must} x",
                ratio(figures, kind, case)
            )
        })
        .collect()
}

fn above_committed(figures: &Figures, committed: &Figures) -> Vec<String> {
    figures
        .iter()
        .filter_map(|(key, now)| {
            committed
                .get(key)
                .filter(|was| *now > **was * TOLERANCE)
                .map(|was| (key, now, was))
        })
        .map(|((kind, case), now, was)| {
            format!("{kind}, {case}: {now} instructions, committed are {was}")
        })
        .collect()
}

/// The figures that were committed, where they are of this compiler: another one's say nothing
/// about a change here.
fn committed() -> Figures {
    let text = fs::read_to_string(COMMITTED).unwrap_or_default();
    let mut lines = text.lines();
    if lines.next() != Some(&*compiler()) {
        eprintln!("the committed figures are of another compiler and not compared");
        return Figures::new();
    }
    lines.filter_map(figure).collect()
}

fn figure(line: &str) -> Option<((String, String), f64)> {
    let mut parts = line.splitn(3, '\t');
    let (kind, count, case) = (parts.next()?, parts.next()?, parts.next()?);
    Some(((kind.to_owned(), case.to_owned()), count.parse().ok()?))
}

fn listing(figures: &Figures) -> String {
    let mut text = compiler() + "\n";
    for ((kind, case), count) in figures {
        writeln!(text, "{kind}\t{count}\t{case}").expect("a string takes everything");
    }
    text
}

fn compiler() -> String {
    let output = Command::new("rustc")
        .arg("--version")
        .output()
        .expect("rustc runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn table(names: &[&str], figures: &Figures) -> String {
    let mut text = String::from(
        "instructions over the bare service (the bare service: its own), and times tower-http's\n\n| case |",
    );
    for (kind, ..) in KINDS {
        write!(text, " {kind} | x |").expect("a string takes everything");
    }
    text += "\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
    for name in names {
        write!(text, "| {name} |").expect("a string takes everything");
        for (kind, ..) in KINDS {
            let own = figures[&(kind.to_owned(), (*name).to_owned())];
            let over = if *name == BARE {
                own
            } else {
                over_bare(figures, kind, name)
            };
            write!(text, " {over:.0} | {:.2} |", ratio(figures, kind, name))
                .expect("a string takes everything");
        }
        text += "\n";
    }
    text
}
