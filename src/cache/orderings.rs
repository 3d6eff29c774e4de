//! The slot and the fetch in flight under all schedules and memory orderings that the model checker
//! loom finds, up to three preemptions of a thread.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::thread;

use super::entry::Entry;
use super::in_flight::{Driver, Fetch, InFlight, Outcome};
use super::schedule::Schedule;
use super::slot::Slot;
use crate::clock::TimeSource;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::sync::{AtomicBool, Mutex};

fn explore(test: impl Fn() + Send + Sync + 'static) {
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        test();
    });
    println!("{} schedules", count.load(Ordering::Relaxed));
}

fn entry(generation: u64) -> Arc<Entry> {
    let fetched_at = TimeSource::System.now();
    let credential = Credential::iam_token("t1.a").unwrap();
    Arc::new(Entry {
        schedule: Schedule::of_static(&credential, fetched_at.wall),
        credential,
        generation,
        fetched_at,
    })
}

/// A slot with generation 1, which requests use without a lookup until time 10.
fn slot() -> Arc<Slot> {
    let slot = Slot::new();
    slot.store(entry(1));
    slot.publish_next_lookup(10);
    Arc::new(slot)
}

#[test]
fn time_approves_no_older_generation() {
    explore(|| {
        let slot = slot();
        let writing = Arc::clone(&slot);
        let writer = thread::spawn(move || {
            writing.store(entry(2));
            writing.publish_next_lookup(20);
        });
        if let Some(generation) = slot.current_generation(15) {
            assert_eq!(generation, 2);
        }
        writer.join().unwrap();
    });
}

#[test]
fn slot_has_entry_of_current_generation() {
    explore(|| {
        let slot = slot();
        let writing = Arc::clone(&slot);
        let writer = thread::spawn(move || writing.store(entry(2)));
        let generation = slot.current_generation(5).expect("a current generation");
        let entry = slot.load_full().expect("an entry");
        assert!(entry.generation >= generation);
        writer.join().unwrap();
    });
}

#[test]
fn removed_entry_is_not_current() {
    explore(|| {
        let slot = slot();
        let is_removed = Arc::new(AtomicBool::new(false));
        let (removing, removed) = (Arc::clone(&slot), Arc::clone(&is_removed));
        let writer = thread::spawn(move || {
            removing.clear();
            removed.store(true, Ordering::Release);
        });
        if is_removed.load(Ordering::Acquire) {
            assert_eq!(slot.current_generation(5), None);
        }
        writer.join().unwrap();
    });
}

fn failed() -> Outcome {
    Some(Err(ProviderError::transient("the outcome")))
}

fn wait(fetch: &Arc<Fetch>) -> thread::JoinHandle<Outcome> {
    let waiter = InFlight::new(Arc::clone(fetch));
    thread::spawn(move || block_on(waiter))
}

/// A fetch that its waiters drive. It ends once the gate is open.
fn gated_fetch(gate: &Arc<Gate>) -> Arc<Fetch> {
    Arc::new_cyclic(|fetch: &Weak<Fetch>| {
        let (fetch, gate) = (Weak::clone(fetch), Arc::clone(gate));
        let run = async move {
            gate.pass().await;
            fetch.upgrade().expect("a waiter").finish(failed());
        };
        let driver = Driver::Waiters(Mutex::new(Some(Box::pin(run))));
        Fetch::new(1, TimeSource::System.now().wall, driver)
    })
}

struct Gate {
    is_open: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            is_open: AtomicBool::new(false),
            waker: Mutex::new(None),
        })
    }

    fn open(&self) {
        self.is_open.store(true, Ordering::Release);
        let waker = self.waker.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn pass(&self) {
        poll_fn(|cx| {
            let replaced = self.waker.lock().unwrap().replace(cx.waker().clone());
            drop(replaced);
            match self.is_open.load(Ordering::Acquire) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}

#[test]
fn outcome_wakes_all_waiters() {
    explore(|| {
        let driver = Driver::Task(OnceLock::new());
        let fetch = Arc::new(Fetch::new(1, TimeSource::System.now().wall, driver));
        let waiters = [wait(&fetch), wait(&fetch)];
        fetch.finish(failed());
        for waiter in waiters {
            assert!(waiter.join().unwrap().expect("an outcome").is_err());
        }
    });
}

#[test]
fn dropped_waiter_hands_fetch_over() {
    explore(|| {
        let gate = Gate::new();
        let fetch = gated_fetch(&gate);
        let mut dropped = Box::pin(InFlight::new(Arc::clone(&fetch)));
        let waiter = wait(&fetch);
        let opening = thread::spawn(move || gate.open());
        let polled = dropped
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending() || polled.is_ready());
        drop(dropped);
        assert!(waiter.join().unwrap().expect("an outcome").is_err());
        opening.join().unwrap();
    });
}

#[test]
fn abandoned_fetch_is_dropped_while_polled() {
    explore(|| {
        let gate = Gate::new();
        let fetch = gated_fetch(&gate);
        let polling = Arc::clone(&fetch);
        let waiter = thread::spawn(move || {
            let waiter = pin!(InFlight::new(polling));
            let _ = waiter.poll(&mut Context::from_waker(Waker::noop()));
        });
        fetch.abandon();
        waiter.join().unwrap();
        // The waker of the fetch is the fetch itself, and is in the gate.
        gate.waker.lock().unwrap().take();
        assert_eq!(Arc::strong_count(&gate), 1, "the fetch still owns the gate");
    });
}
