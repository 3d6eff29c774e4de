//! Replays the corpora of the fuzz targets.

#[allow(unreachable_pub, reason = "the public interface of a package")]
#[path = "fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::path::Path;

#[test]
fn corpora_break_no_promise() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    for (name, run) in targets::TARGETS {
        for file in fs::read_dir(corpora.join(name)).unwrap() {
            let path = file.unwrap().path();
            println!("{}", path.display());
            run(&fs::read(path).unwrap());
        }
    }
}
