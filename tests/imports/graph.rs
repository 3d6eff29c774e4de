//! Which files import which, and the two rules for that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What one file takes from another: the importing file, the defining file, and a path by which the
/// first names something of the second.
pub(crate) type Imports = BTreeMap<(String, String), String>;

/// The imports that run to a higher layer, and the files that belong to no layer. `layers` are in
/// order from the top.
pub(crate) fn upward(imports: &Imports, layers: &[&str]) -> Vec<String> {
    let place = |file: &str| {
        let layer = file.split('/').next().expect("split returns something");
        let layer = layer.trim_end_matches(".rs");
        layers.iter().position(|name| *name == layer)
    };
    let mut problems = BTreeSet::new();
    for ((from, to), path) in imports {
        match (place(from), place(to)) {
            (Some(at), Some(target)) if target < at => {
                problems.insert(format!(
                    "{from} imports `{path}` from {to}, which is in a higher layer"
                ));
            }
            _ => {}
        }
        for file in [from, to].into_iter().filter(|file| place(file).is_none()) {
            problems.insert(format!("{file} is in no layer"));
        }
    }
    problems.into_iter().collect()
}

/// The shortest circle through each file that is part of one.
pub(crate) fn circles(imports: &Imports) -> Vec<String> {
    let mut next: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for ((from, to), path) in imports {
        next.entry(from).or_default().insert(to, path);
    }
    let mut reported = BTreeSet::new();
    let mut problems = vec![];
    for file in next.keys() {
        let Some(circle) = shortest_circle(&next, file) else {
            continue;
        };
        let files: BTreeSet<_> = circle.iter().copied().collect();
        if reported.insert(files.clone()) {
            let files: Vec<_> = files.into_iter().collect();
            let steps = circle
                .windows(2)
                .map(|step| format!("\n    {} imports `{}`", step[0], next[step[0]][step[1]]));
            problems.push(format!(
                "{} import each other:{}",
                files.join(" and "),
                steps.collect::<String>()
            ));
        }
    }
    problems
}

/// A walk from `file` back to `file`, both ends included.
fn shortest_circle<'a>(
    next: &BTreeMap<&'a str, BTreeMap<&'a str, &'a str>>,
    file: &'a str,
) -> Option<Vec<&'a str>> {
    let mut walks = VecDeque::from([vec![file]]);
    let mut visited = BTreeSet::new();
    while let Some(walk) = walks.pop_front() {
        let last = walk.last().expect("a walk has a start");
        for to in next.get(last).into_iter().flat_map(BTreeMap::keys) {
            let walk: Vec<_> = walk.iter().copied().chain([*to]).collect();
            if *to == file {
                return Some(walk);
            }
            if visited.insert(*to) {
                walks.push_back(walk);
            }
        }
    }
    None
}
