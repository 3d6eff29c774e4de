//! One warm request through the layer, compared to a plain header insert and to other crates. See
//! `benches/README.md`.

mod cases;
mod chart;
#[path = "../harness/mod.rs"]
mod harness;
mod report;

fn main() {
    let mut cases = harness::SHAPES.map(|shape| {
        let mut cases = cases::gated(shape);
        cases.extend(cases::rivals(shape));
        cases
    });
    report::run(&mut cases, if harness::is_bench() { 3000 } else { 2 });
    println!(
        "google-cloud-auth's `Credentials::headers` in the same run: cargo run --release --manifest-path benches/rivals/Cargo.toml"
    );
}
