//! The files of `src` import each other in one direction: down the layers that `src/lib.rs` lists,
//! and without a circle.

mod graph;
mod modules;

use std::fs;
use std::path::Path;

use modules::Sources;

/// The layers from the top, as a comment of `lib.rs` lists them: one a line, its name first.
fn layers(lib: &str) -> Vec<&str> {
    lib.lines()
        .skip_while(|line| !line.starts_with("// Layers"))
        .filter_map(|line| line.strip_prefix("//     "))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

/// What is wrong with the imports of these sources, one problem a line.
fn problems(sources: &Sources) -> String {
    match modules::imports(sources) {
        Ok(imports) => {
            let mut problems = graph::upward(&imports, &layers(&sources["lib.rs"]));
            problems.extend(graph::circles(&imports));
            problems.join("\n")
        }
        Err(unknown) => unknown.join("\n"),
    }
}

fn read(folder: &Path, prefix: &str, sources: &mut Sources) {
    for entry in fs::read_dir(folder).expect("a folder of src") {
        let entry = entry.expect("an entry of a folder");
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read(&entry.path(), &format!("{name}/"), sources);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).expect("a source file");
            sources.insert(name, text);
        }
    }
}

/// A crate with the layers `lib`, `upper` and `lower`.
fn planted(files: &[(&str, &str)]) -> Sources {
    let lib = "// Layers\n//     lib\n//     upper\n//     lower\nmod lower;\nmod upper;\n";
    files
        .iter()
        .chain(&[("lib.rs", lib)])
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

#[test]
fn imports_run_downwards_without_circles() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Sources::new();
    read(&src, "", &mut sources);

    let problems = problems(&sources);
    assert!(problems.is_empty(), "\n{problems}\n");
}

#[test]
fn downward_import_is_accepted() {
    let sources = planted(&[
        ("lower.rs", "pub(crate) struct Low;"),
        ("upper.rs", "use crate::lower::Low;\nfn take(_: Low) {}"),
    ]);
    assert_eq!(problems(&sources), "");
}

#[test]
fn upward_import_is_reported() {
    let upper = "pub(crate) fn high() {}";
    for lower in [
        "use crate::upper::high;",
        "use super::upper::{self, high};",
        "fn low() { crate::upper::high() }",
        "use crate::upper;\nfn low() { upper::high() }",
        "fn low() { println!(\"{:?}\", crate::upper::high()) }",
        "mod inner { fn low() { super::super::upper::high() } }",
    ] {
        let problems = problems(&planted(&[("lower.rs", lower), ("upper.rs", upper)]));
        assert!(
            problems.contains("from upper.rs, which is in a higher layer"),
            "{lower}: {problems}"
        );
    }
}

#[test]
fn circle_within_a_layer_is_reported() {
    let sources = planted(&[
        ("lower.rs", ""),
        (
            "upper/mod.rs",
            "mod left;\nmod right;\npub(crate) use right::Right;",
        ),
        (
            "upper/left.rs",
            "use super::Right;\npub(crate) struct Left;",
        ),
        (
            "upper/right.rs",
            "pub(crate) struct Right;\nimpl Right { fn left() -> super::left::Left { todo!() } }",
        ),
    ]);
    assert_eq!(
        problems(&sources),
        "upper/left.rs and upper/right.rs import each other:\
         \n    upper/left.rs imports `super::Right`\
         \n    upper/right.rs imports `super::left::Left`"
    );
}

#[test]
fn reexport_is_no_import_unless_used() {
    let child = (
        "upper/child.rs",
        "pub(crate) struct Child;\nuse super::Parent;",
    );
    let parent = "mod child;\npub(crate) use child::Child;\npub(crate) struct Parent";
    let sources = |fields| {
        let parent = format!("{parent}{fields}");
        planted(&[("lower.rs", ""), ("upper/mod.rs", &parent), child])
    };
    assert_eq!(problems(&sources(";")), "");
    assert!(problems(&sources("(Child);")).contains("import each other"));
}

#[test]
fn test_module_may_import_upwards() {
    for lower in [
        "#[cfg(test)]\nmod tests { use crate::upper::high; }",
        "#[cfg(all(test, feature = \"x\"))]\nmod tests { use crate::upper::high; }",
    ] {
        let upper = ("upper.rs", "pub(crate) fn high() {}");
        assert_eq!(problems(&planted(&[("lower.rs", lower), upper])), "");
    }
}

#[test]
fn unknown_names_and_layers_are_reported() {
    let sources = planted(&[("lower.rs", "use crate::upper::missing;"), ("upper.rs", "")]);
    assert!(problems(&sources).contains("names nothing in this crate"));

    let mut sources = planted(&[("lower.rs", "pub(crate) struct Low;"), ("upper.rs", "")]);
    sources.insert("other.rs".into(), "use crate::lower::Low;".into());
    sources
        .get_mut("lib.rs")
        .expect("planted")
        .push_str("mod other;");
    assert_eq!(problems(&sources), "other.rs is in no layer");
}
