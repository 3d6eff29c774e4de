//! How many requests a fleet of 100 000 processes sends to the token endpoint over a day.
//!
//!     cargo run --example fleet --features testing
//!
//! All processes start within a minute, serve one request a second each, and hold tokens that live
//! 12 hours, as IAM issues them. Just before these expire, the endpoint is down for ten minutes. This
//! crate's schedule and cool-down are compared with the policies of Yandex Cloud's SDKs: see
//! `policy.rs`.
//!
//! The clock is virtual and the random numbers are seeded, so each run has the same result. It
//! prints a table, and writes `fleet.csv` and `fleet.svg` into `target/fleet` or the folder given.

mod chart;
mod endpoint;
mod load;
mod policy;
mod random;

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io};

use endpoint::Endpoint;
use load::Load;
use policy::{OnRequest, Policy, ThisCrate, attempts};

const PROCESSES: u32 = 100_000;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The processes start evenly over this time.
const DEPLOYMENT: Duration = MINUTE;
const DOWN: Duration = Duration::from_secs(11 * 3600 + 55 * 60);
const UP: Duration = Duration::from_secs(12 * 3600 + 5 * 60);

fn main() -> io::Result<()> {
    let folder = env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("target/fleet"), PathBuf::from);
    let normal = simulate(&Endpoint::new(12 * HOUR, DAY..DAY));
    let loads = simulate(&Endpoint::new(12 * HOUR, DOWN..UP));
    print_table(&loads, &normal);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("fleet.csv"), csv(&loads))?;
    fs::write(folder.join("fleet.svg"), chart::svg(&loads, DOWN..UP))?;
    println!("\nfleet.csv and fleet.svg are in {}", folder.display());
    Ok(())
}

/// The load of each policy, this crate's first.
fn simulate(endpoint: &Endpoint) -> Vec<Load> {
    let mut loads = vec![Load::new("this crate", DAY)];
    for process in 0..PROCESSES {
        let start = DEPLOYMENT * process / PROCESSES;
        let policy = ThisCrate::new(u64::from(process));
        count(&mut loads[0], policy, start, endpoint, 1);
    }
    for (name, age) in [
        ("1 h after issue: AI Studio SDK", HOUR),
        ("5 min before expiry: .NET SDK", 12 * HOUR - 5 * MINUTE),
        ("at expiry: Go SDK, Java SDK", 12 * HOUR),
        ("every 20 s: Python SDK", Duration::from_secs(20)),
    ] {
        let mut load = Load::new(name, DAY);
        // Processes that start in the same second act in the same seconds all day.
        let seconds = u32::try_from(DEPLOYMENT.as_secs()).expect("a minute");
        for second in 0..seconds {
            let processes = PROCESSES * (second + 1) / seconds - PROCESSES * second / seconds;
            let start = Duration::from_secs(second.into());
            count(&mut load, OnRequest { age }, start, endpoint, processes);
        }
        loads.push(load);
    }
    loads
}

/// Adds the attempts of so many processes that act alike.
fn count(load: &mut Load, policy: impl Policy, start: Duration, endpoint: &Endpoint, times: u32) {
    for at in attempts(policy, start, endpoint).take_while(|at| *at < DAY) {
        load.add(at, times);
    }
}

/// The mean of a day without an outage, and the largest second of each phase of the day with one,
/// also as a multiple of that mean.
fn print_table(loads: &[Load], normal: &[Load]) {
    println!(
        "{:<32} {:>8}  {:>17} {:>17} {:>17} {:>17}",
        "requests per second", "mean", "start", "before outage", "outage", "after outage"
    );
    for (load, normal) in loads.iter().zip(normal) {
        let mean = normal.mean(Duration::ZERO..DAY);
        print!("{:<32} {mean:>8.1} ", load.name());
        for phase in [
            Duration::ZERO..DEPLOYMENT,
            DEPLOYMENT..DOWN,
            DOWN..UP,
            UP..DAY,
        ] {
            let peak = load.peak(phase);
            print!(
                " {:>7} {:>9}",
                peak,
                format!("{:.1} x", f64::from(peak) / mean)
            );
        }
        println!();
    }
}

/// One row a minute: the largest second of that minute.
fn csv(loads: &[Load]) -> String {
    let names: Vec<_> = loads
        .iter()
        .map(|load| format!("\"{}\"", load.name()))
        .collect();
    let mut csv = format!("minute,{}\n", names.join(","));
    let peaks: Vec<_> = loads.iter().map(Load::peaks).collect();
    for minute in 0..peaks[0].len() {
        let row: Vec<_> = peaks
            .iter()
            .map(|peaks| peaks[minute].to_string())
            .collect();
        csv += &format!("{minute},{}\n", row.join(","));
    }
    csv
}
