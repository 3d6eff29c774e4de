//! The workers that send requests, and what they measured.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tower::BoxError;
use yandex_cloud_auth::testing::FakeCloud;

use crate::client::{Client, Kind};
use crate::memory::Memory;
use crate::outcome::History;
use crate::record::Record;
use crate::tally::Tally;

/// The workers of each client, more than it may have requests open.
const WORKERS: usize = 12;

/// The most requests of one worker.
const MAX_REQUESTS: u64 = 10_000_000;

/// The pause of a worker after a failure, since a failure may take no time at all.
const AFTER_FAILURE: Duration = Duration::from_millis(10);

/// The time between two readings of memory and of the cloud's record.
const READING: Duration = Duration::from_millis(100);

/// Workers at full load.
pub(crate) struct Load {
    stage: Arc<Stage>,
    workers: JoinSet<(Kind, Counts)>,
    watcher: JoinHandle<Memory>,
    record: Arc<Mutex<Record>>,
}

/// What the workers are to do.
#[derive(Default)]
struct Stage {
    /// All faults have ended, and so have their effects.
    recovered: AtomicBool,
    stopped: AtomicBool,
}

/// The counts of the whole run, and of its end without faults.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) all: Tally,
    pub(crate) recovered: Tally,
}

/// What the run has shown.
pub(crate) struct Results {
    pub(crate) clients: Vec<(Kind, Counts)>,
    pub(crate) record: Arc<Mutex<Record>>,
    pub(crate) memory: Memory,
}

impl Load {
    pub(crate) fn start(
        clients: Vec<Client>,
        cloud: &Arc<FakeCloud>,
        history: &Arc<History>,
        record: &Arc<Mutex<Record>>,
    ) -> Self {
        let stage = Arc::new(Stage::default());
        let mut workers = JoinSet::new();
        for client in clients {
            for _ in 0..WORKERS {
                workers.spawn(work(
                    client.clone(),
                    Arc::clone(&stage),
                    Arc::clone(history),
                ));
            }
        }
        Self {
            watcher: tokio::spawn(watch(
                Arc::clone(cloud),
                Arc::clone(record),
                Arc::clone(&stage),
            )),
            record: Arc::clone(record),
            stage,
            workers,
        }
    }

    /// Counts the requests from now on also as those that must succeed.
    pub(crate) fn recovered(&self) {
        self.stage.recovered.store(true, Ordering::SeqCst);
    }

    /// Stops the workers and returns what they counted.
    pub(crate) async fn stop(mut self) -> Result<Results, BoxError> {
        self.stage.stopped.store(true, Ordering::SeqCst);
        let mut clients: Vec<_> = Kind::ALL
            .map(|kind| (kind, Counts::default()))
            .into_iter()
            .collect();
        while let Some(worker) = self.workers.join_next().await {
            let (kind, counts) = worker?;
            let sum = clients.iter_mut().find(|(client, _)| *client == kind);
            let (_, sum) = sum.ok_or("an unknown client")?;
            sum.all.merge(counts.all);
            sum.recovered.merge(counts.recovered);
        }
        let memory = self.watcher.await?;
        Ok(Results {
            clients,
            record: self.record,
            memory,
        })
    }
}

async fn work(mut client: Client, stage: Arc<Stage>, history: Arc<History>) -> (Kind, Counts) {
    let mut counts = Counts::default();
    while !stage.stopped.load(Ordering::SeqCst) && counts.all.sent < MAX_REQUESTS {
        let recovered = stage.recovered.load(Ordering::SeqCst);
        let attempt = client.send().await;
        let answered = counts.all.add(&attempt, &history);
        if recovered {
            counts.recovered.add(&attempt, &history);
        }
        if !answered {
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }
    (client.kind(), counts)
}

async fn watch(cloud: Arc<FakeCloud>, record: Arc<Mutex<Record>>, stage: Arc<Stage>) -> Memory {
    let read = || record.lock().expect("a lock without panics").read(&cloud);
    let mut memory = Memory::default();
    while !stage.stopped.load(Ordering::SeqCst) {
        read();
        memory.read();
        tokio::time::sleep(READING).await;
    }
    read();
    memory
}
