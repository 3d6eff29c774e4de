//! Random events, applied to a cache and to the reference model. `PROPTEST_CASES` sets how many
//! sequences are run, 256 if it is not set.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};
use yandex_cloud_auth_model::{Answer, Event, Lifetime, Via, World};

const MAX_EVENTS: usize = 80;

#[test]
fn cache_follows_reference_model() {
    let steps = AtomicU64::new(0);
    let config = Config {
        source_file: Some(file!()),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let cases = config.cases;
    let result = TestRunner::new(config).run(&vec(event(), 1..MAX_EVENTS), |events| {
        let ran = World::run(&events).map_err(TestCaseError::fail)?;
        steps.fetch_add(ran, Ordering::Relaxed);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    println!("{cases} sequences, {} steps", steps.load(Ordering::Relaxed));
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => seconds().prop_map(Event::Advance),
        8 => via().prop_map(Event::Call),
        1 => recent().prop_map(Event::Cancel),
        1 => Just(Event::Clone),
        1 => recent().prop_map(Event::DropClone),
        3 => recent().prop_map(Event::Invalidate),
        3 => (recent(), any::<bool>()).prop_map(|(request, is_rejected)| Event::Respond {
            request,
            is_rejected,
        }),
        4 => answer().prop_map(Event::Source),
        2 => wall_seconds().prop_map(Event::StepWall),
        1 => prop_oneof![3 => Just(Event::RestartRuntime), 1 => Just(Event::DropAll)],
    ]
}

/// The newest of several things, mostly.
fn recent() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0), 1 => 0..8usize]
}

/// Shorter than a limit of seconds, near the fetch timeout, within a lifetime, beyond it.
fn seconds() -> impl Strategy<Value = u64> {
    prop_oneof![0..7u64, 25..40u64, 25..80u64, 80..800u64, 3000..50_000u64]
}

fn wall_seconds() -> impl Strategy<Value = i64> {
    prop_oneof![-40..40i64, -4000..4000i64, -50_000..50_000i64]
}

fn via() -> impl Strategy<Value = Via> {
    prop_oneof![
        4 => Just(Via::Get),
        2 => Just(Via::GetOutside),
        1 => (1..5000u64).prop_map(Via::GetValidFor),
        6 => (0..2usize).prop_map(Via::Layer),
        1 => Just(Via::Refresh),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        6 => lifetime().prop_map(Answer::Credential),
        3 => Just(Answer::Hang),
        1 => Just(Answer::NotConfigured),
        1 => Just(Answer::Panic),
        1 => Just(Answer::Permanent),
        2 => proptest::option::of(0..400u64).prop_map(|retry_after| Answer::Transient { retry_after }),
    ]
}

fn lifetime() -> impl Strategy<Value = Lifetime> {
    prop_oneof![
        1 => prop_oneof![-10..2i64, 2..4000i64].prop_map(Lifetime::At),
        2 => prop_oneof![0..3u64, 3..120u64].prop_map(Lifetime::In),
        4 => Just(Lifetime::In(12 * 3600)),
        1 => Just(Lifetime::Never),
    ]
}
