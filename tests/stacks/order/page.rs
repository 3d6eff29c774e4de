//! The page and its tests agree.

const PAGE: &str = include_str!("../../../src/docs/stacks.md");

/// The files whose tests show the rows, except those of [`ELSEWHERE`].
const TESTS: [&str; 6] = [
    include_str!("hedge.rs"),
    include_str!("limits.rs"),
    include_str!("retry.rs"),
    include_str!("target.rs"),
    include_str!("timeout.rs"),
    include_str!("trace.rs"),
];

/// The rows that the package in `tests/reqwest` tests.
const ELSEWHERE: &str = "| `FollowRedirect` | ";

/// Fails if the page does not have this row: a layer, its place, and what happens.
#[track_caller]
pub(crate) fn says(layer: &str, place: &str, what: &str) {
    let row = format!("| {layer} | {place} | {what} |");
    assert!(PAGE.lines().any(|line| line == row), "no row {row}");
}

#[test]
fn every_row_of_page_has_test() {
    let rows = PAGE
        .lines()
        .filter(|line| line.contains(" | outside | ") || line.contains(" | inside | "));
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() > 20, "{rows:?}");
    let tests = TESTS.concat();
    for row in rows.iter().filter(|row| !row.starts_with(ELSEWHERE)) {
        let what = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        assert!(tests.contains(&format!("\"{what}\"")), "no test of {row}");
    }
}
