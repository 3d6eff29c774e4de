//! One warm request through the layer, against a plain header insert and the ways of others. See `benches/README.md`.

mod cases;
#[path = "../harness/mod.rs"]
mod harness;
mod report;

fn main() {
    let mut cases = cases::baselines();
    cases.extend(cases::ours());
    cases.extend(cases::rivals());
    report::run(&mut cases);
    println!(
        "google-cloud-auth's `Credentials::headers` in the same run: cargo bench --manifest-path benches/rivals/Cargo.toml"
    );
}
