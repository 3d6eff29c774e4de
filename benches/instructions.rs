//! Instructions of one warm request, counted by callgrind, and the gate: no case may exceed its
//! limit, or its committed count by more than 3 %. `-- --bless` writes the counts of this run. See
//! `benches/README.md`.

#[path = "warm_path/cases.rs"]
#[allow(dead_code, reason = "not all names of cases are used here")]
mod cases;
#[path = "harness/mod.rs"]
mod harness;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::process::{Command, ExitCode};

use cases::{BARE, DEFAULT, DEFAULT_GRPC, DEFAULT_KEY, TOWER_HTTP, UNRESTRICTED};
use harness::{Map, Shape, Target, argument, requests};

const REQUESTS: usize = 1000;
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

/// How far a count may exceed the committed one.
const TOLERANCE: f64 = 1.03;

/// Kinds of requests and shapes. The bench's own shape has all kinds, the others have those of the
/// limits.
const KINDS: [(&str, Shape, Map, Target); 10] = [
    ("A", Shape::Own, Map::A, Target::Absolute),
    ("B", Shape::Own, Map::B, Target::Absolute),
    ("C", Shape::Own, Map::C, Target::Absolute),
    ("A-", Shape::Own, Map::A, Target::NoAuthority),
    ("B-", Shape::Own, Map::B, Target::NoAuthority),
    ("C-", Shape::Own, Map::C, Target::NoAuthority),
    ("C boxed", Shape::Boxed, Map::C, Target::Absolute),
    ("C- boxed", Shape::Boxed, Map::C, Target::NoAuthority),
    ("C ready", Shape::BoxedReady, Map::C, Target::Absolute),
    ("C- ready", Shape::BoxedReady, Map::C, Target::NoAuthority),
];

/// Map and target, case, and its limit in every shape: a multiple of tower-http's
/// `AddAuthorization`, both over the bare service.
const LIMITS: [(&str, &str, f64); 5] = [
    ("C", UNRESTRICTED, 1.4),
    ("C", DEFAULT, 1.9),
    ("C-", DEFAULT, 1.65),
    ("C-", DEFAULT_GRPC, 1.65),
    ("C", DEFAULT_KEY, 2.35),
];

/// Instructions per request, by kind and case.
type Counts = BTreeMap<(String, String), f64>;

fn main() -> ExitCode {
    match argument("--count") {
        Some(case) => count(&case, &argument("--kind").expect("a kind of request")),
        None if !harness::is_bench() => {}
        None => return gate(),
    }
    ExitCode::SUCCESS
}

/// The run that callgrind counts.
fn count(case: &str, kind: &str) {
    let (_, shape, map, target) = KINDS
        .into_iter()
        .find(|(name, ..)| *name == kind)
        .expect("a kind of request");
    let mut requests = requests(map, target, REQUESTS);
    let mut cases = cases::gated(shape);
    let case = cases
        .iter_mut()
        .find(|one| one.name == case)
        .expect("one of the cases");
    (case.run)(&mut requests);
}

fn gate() -> ExitCode {
    let names: Vec<_> = cases::gated(Shape::Own)
        .iter()
        .map(|case| case.name)
        .collect();
    let mut counts = Counts::new();
    for (kind, ..) in KINDS {
        for name in &names {
            counts.insert((kind.to_owned(), (*name).to_owned()), counted(name, kind));
        }
    }
    let committed = committed();
    print!("{}", table(&names, &counts));
    let failures = [above_limit(&counts), above_committed(&counts, &committed)].concat();
    if env::args().any(|argument| argument == "--bless") {
        fs::write(COMMITTED, listing(&counts)).expect("the file can be written");
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

/// Runs this program under callgrind, which counts inside `measured` and `measured_alone`
/// only.
fn counted(case: &str, kind: &str) -> f64 {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--demangle=no",
            "--toggle-collect=*8measured*",
            "--toggle-collect=*14measured_alone*",
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

fn over_bare(counts: &Counts, kind: &str, case: &str) -> f64 {
    let of = |case: &str| counts[&(kind.to_owned(), case.to_owned())];
    of(case) - of(BARE)
}

fn ratio(counts: &Counts, kind: &str, case: &str) -> f64 {
    over_bare(counts, kind, case) / over_bare(counts, kind, TOWER_HTTP)
}

fn above_limit(counts: &Counts) -> Vec<String> {
    KINDS
        .into_iter()
        .flat_map(|(kind, ..)| LIMITS.map(|(of, case, limit)| (of, kind, case, limit)))
        .filter(|(of, kind, ..)| kind.split(' ').next() == Some(of))
        .map(|(_, kind, case, limit)| (kind, case, limit))
        .filter(|(kind, case, limit)| ratio(counts, kind, case) > *limit)
        .map(|(kind, case, limit)| {
            format!(
                "{kind}, {case}: {:.2} x, the limit is {limit} x",
                ratio(counts, kind, case)
            )
        })
        .collect()
}

fn above_committed(counts: &Counts, committed: &Counts) -> Vec<String> {
    counts
        .iter()
        .filter_map(|(key, now)| {
            committed
                .get(key)
                .filter(|was| *now > **was * TOLERANCE)
                .map(|was| (key, now, was))
        })
        .map(|((kind, case), now, was)| {
            format!("{kind}, {case}: {now} instructions, committed {was}")
        })
        .collect()
}

/// The committed counts. Those of another compiler are not comparable and are ignored.
fn committed() -> Counts {
    let text = fs::read_to_string(COMMITTED).unwrap_or_default();
    let mut lines = text.lines();
    if lines.next() != Some(&*compiler()) {
        eprintln!("the committed counts are of another compiler and are not compared");
        return Counts::new();
    }
    lines.filter_map(parse).collect()
}

fn parse(line: &str) -> Option<((String, String), f64)> {
    let mut parts = line.splitn(3, '\t');
    let (kind, count, case) = (parts.next()?, parts.next()?, parts.next()?);
    Some(((kind.to_owned(), case.to_owned()), count.parse().ok()?))
}

fn listing(counts: &Counts) -> String {
    let mut text = compiler() + "\n";
    for ((kind, case), count) in counts {
        writeln!(text, "{kind}\t{count}\t{case}").expect("writing to a string succeeds");
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

fn table(names: &[&str], counts: &Counts) -> String {
    let mut text = String::from(
        "instructions over the bare service (the bare service: its own), and times tower-http's\n\n| case |",
    );
    for (kind, ..) in KINDS {
        write!(text, " {kind} | x |").expect("writing to a string succeeds");
    }
    text += &format!("\n|---|{}\n", "--:|--:|".repeat(KINDS.len()));
    for name in names {
        write!(text, "| {name} |").expect("writing to a string succeeds");
        for (kind, ..) in KINDS {
            let own = counts[&(kind.to_owned(), (*name).to_owned())];
            let over = if *name == BARE {
                own
            } else {
                over_bare(counts, kind, name)
            };
            write!(text, " {over:.0} | {:.2} |", ratio(counts, kind, name))
                .expect("writing to a string succeeds");
        }
        text += "\n";
    }
    text
}
