//! `FAULTS.md` lists faults and the tests that show how the crate survives them. Each row has a
//! test, and each test exists and runs.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, ItemFn};

const PAGE: &str = include_str!("FAULTS.md");

/// What a published crate does not contain.
const UNPUBLISHED: [&str; 4] = [
    "tests/corpus.rs",
    "tests/differential/",
    "tests/model/",
    "tests/reqwest/",
];

/// A row of the page: its number, such as `A1`, and its tests, such as `tests/tls.rs::name`.
struct Row<'a> {
    number: &'a str,
    tests: Vec<&'a str>,
}

impl<'a> Row<'a> {
    /// `None` for a line that is no row.
    fn read(line: &'a str) -> Option<Self> {
        let (number, rest) = line.strip_prefix("| ")?.split_once(" | ")?;
        if !number.ends_with(|last: char| last.is_ascii_digit()) {
            return None;
        }
        let quoted = rest.split('`').skip(1).step_by(2);
        let tests = quoted.filter(|text| text.contains(".rs::")).collect();
        Some(Self { number, tests })
    }
}

fn rows(page: &str) -> Vec<Row<'_>> {
    page.lines().filter_map(Row::read).collect()
}

/// The functions of a file that `cargo test` runs.
#[derive(Default)]
struct Tests(Vec<String>);

impl Visit<'_> for Tests {
    fn visit_item_fn(&mut self, function: &ItemFn) {
        let has = |name: &str| function.attrs.iter().any(|attribute| is(attribute, name));
        if has("test") && !has("ignore") {
            self.0.push(function.sig.ident.to_string());
        }
        visit::visit_item_fn(self, function);
    }
}

/// Whether it is `#[name]` or `#[path::name]`.
fn is(attribute: &Attribute, name: &str) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|segment| segment.ident == name)
}

fn tests_in(source: &str) -> Vec<String> {
    let mut tests = Tests::default();
    tests.visit_file(&syn::parse_file(source).expect("a source file"));
    tests.0
}

/// What is wrong with the rows, one problem a line. `source` returns the text of a file.
fn problems(rows: &[Row<'_>], source: impl Fn(&str) -> Option<String>) -> String {
    let mut files = HashMap::new();
    let mut problems = String::new();
    for row in rows {
        if row.tests.is_empty() {
            problems += &format!("{}: no test\n", row.number);
        }
        for test in &row.tests {
            let (file, name) = test.split_once("::").expect("a file and a name");
            let tests = files
                .entry(file)
                .or_insert_with(|| source(file).map(|text| tests_in(&text)));
            match tests {
                Some(tests) if tests.iter().any(|other| other == name) => {}
                Some(_) => problems += &format!("{}: {test} is no test\n", row.number),
                None => problems += &format!("{}: there is no file {file}\n", row.number),
            }
        }
    }
    problems
}

#[test]
fn every_row_names_tests_that_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut rows = rows(PAGE);
    for path in UNPUBLISHED
        .into_iter()
        .filter(|path| !root.join(path).exists())
    {
        for row in &mut rows {
            row.tests.retain(|test| !test.starts_with(path));
        }
    }
    let problems = problems(&rows, |file| fs::read_to_string(root.join(file)).ok());
    assert!(problems.is_empty(), "\n{problems}");
}

#[test]
fn rows_are_numbered_in_order() {
    let numbers: Vec<_> = rows(PAGE).iter().map(|row| row.number.to_owned()).collect();
    let lengths = [27, 11, 15, 6, 8, 17, 10, 14, 9, 7, 10];
    let expected: Vec<_> = ('A'..='K')
        .zip(lengths)
        .flat_map(|(letter, length)| (1..=length).map(move |row| format!("{letter}{row}")))
        .collect();
    assert_eq!(numbers, expected);
}

#[test]
fn missing_renamed_and_ignored_tests_are_reported() {
    let page = "| row | fault | tests |\n| --- | --- | --- |\n\
        | A1 | `x` | `a.rs::good` `a.rs::slow` |\n\
        | A2 | y | `a.rs::helper` `a.rs::ignored` `b.rs::good` |\n\
        | A3 | Does not apply. | |";
    let source = "#[test] fn good() {}\nfn helper() {}\n\
        mod inner { #[tokio::test(flavor = \"current_thread\")] async fn slow() {} }\n\
        #[test] #[ignore = \"slow\"] fn ignored() {}";
    let problems = problems(&rows(page), |file| {
        (file == "a.rs").then(|| source.to_owned())
    });
    let expected = "A2: a.rs::helper is no test\nA2: a.rs::ignored is no test\n\
        A2: there is no file b.rs\nA3: no test\n";
    assert_eq!(problems, expected);
}
