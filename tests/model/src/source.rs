//! A provider that gives the answer set last, also to a fetch that is under way.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use yandex_cloud_auth::{Credential, CredentialProvider, ProviderError};

use crate::clock::{Clocks, Reading};
use crate::event::{Answer, Lifetime};

/// What a fetch did, in the order in which it happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Record {
    Started {
        fetch: u64,
        at: Reading,
    },
    /// It was polled after a later one had started.
    Stale {
        fetch: u64,
    },
    Answered {
        answer: Answer,
        at: Reading,
    },
    /// It was dropped without an answer.
    Dropped {
        fetch: u64,
        at: Reading,
    },
}

/// The end of a provider that tests hold. The cache owns the other one.
pub(crate) struct Source {
    shared: Arc<Shared>,
    provider: Weak<()>,
}

pub(crate) struct Provider {
    shared: Arc<Shared>,
    _alive: Arc<()>,
}

struct Shared {
    clocks: Clocks,
    state: Mutex<State>,
}

struct State {
    answer: Answer,
    started: u64,
    alive: usize,
    credentials: Vec<Credential>,
    records: Vec<Record>,
    wakers: Vec<Waker>,
}

impl Source {
    pub(crate) fn new(clocks: Clocks) -> (Self, Provider) {
        let state = State {
            answer: Answer::Credential(Lifetime::In(12 * 3600)),
            started: 0,
            alive: 0,
            credentials: vec![],
            records: vec![],
            wakers: vec![],
        };
        let state = Mutex::new(state);
        let shared = Arc::new(Shared { clocks, state });
        let alive = Arc::new(());
        let source = Self {
            shared: Arc::clone(&shared),
            provider: Arc::downgrade(&alive),
        };
        let provider = Provider {
            shared,
            _alive: alive,
        };
        (source, provider)
    }

    pub(crate) fn set(&self, answer: Answer) {
        let mut state = self.shared.lock();
        state.answer = answer;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn answer(&self) -> Answer {
        self.shared.lock().answer
    }

    pub(crate) fn take_records(&self) -> Vec<Record> {
        std::mem::take(&mut self.shared.lock().records)
    }

    /// The credentials given so far. Number `n` has the text `t1.n`.
    pub(crate) fn credentials(&self) -> Vec<Credential> {
        self.shared.lock().credentials.clone()
    }

    /// The number of fetches that have started and not ended.
    pub(crate) fn alive(&self) -> usize {
        self.shared.lock().alive
    }

    pub(crate) fn is_provider_dropped(&self) -> bool {
        self.provider.strong_count() == 0
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CredentialProvider for Provider {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let mut fetch = Fetch::start(Arc::clone(&self.shared));
        poll_fn(|cx| fetch.poll(cx)).await
    }
}

struct Fetch {
    shared: Arc<Shared>,
    id: u64,
    is_answered: bool,
}

impl Fetch {
    fn start(shared: Arc<Shared>) -> Self {
        let at = shared.clocks.now();
        let mut state = shared.lock();
        state.started += 1;
        state.alive += 1;
        let id = state.started;
        state.records.push(Record::Started { fetch: id, at });
        drop(state);
        Self {
            shared,
            id,
            is_answered: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Credential, ProviderError>> {
        let at = self.shared.clocks.now();
        let mut state = self.shared.lock();
        if state.started != self.id {
            state.records.push(Record::Stale { fetch: self.id });
        }
        let answer = state.answer;
        if matches!(answer, Answer::Hang) {
            state.wakers.push(cx.waker().clone());
            return Poll::Pending;
        }
        state.records.push(Record::Answered { answer, at });
        self.is_answered = true;
        Poll::Ready(match answer {
            Answer::Credential(lifetime) => Ok(state.issue(lifetime, &at)),
            Answer::NotConfigured => Err(ProviderError::not_configured("not configured")),
            Answer::Permanent => Err(ProviderError::permanent("permanent")),
            Answer::Transient { retry_after } => Err(transient(retry_after)),
            Answer::Hang | Answer::Panic => {
                drop(state);
                // Without the message of a panic on standard error.
                std::panic::resume_unwind(Box::new("the source panics"))
            }
        })
    }
}

impl State {
    fn issue(&mut self, lifetime: Lifetime, at: &Reading) -> Credential {
        let text = format!("t1.{}", self.credentials.len());
        let credential = Credential::iam_token(text).unwrap();
        let credential = match lifetime {
            Lifetime::At(seconds) => {
                let by = Duration::from_secs(seconds.unsigned_abs());
                credential.with_expiry(if seconds < 0 {
                    at.wall - by
                } else {
                    at.wall + by
                })
            }
            Lifetime::In(seconds) => credential.with_lifetime(Duration::from_secs(seconds)),
            Lifetime::Never => credential,
        };
        self.credentials.push(credential.clone());
        credential
    }
}

fn transient(retry_after: Option<u64>) -> ProviderError {
    let error = ProviderError::transient("transient");
    match retry_after {
        Some(seconds) => error.with_retry_after(Duration::from_secs(seconds)),
        None => error,
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        let at = self.shared.clocks.now();
        let mut state = self.shared.lock();
        state.alive -= 1;
        if !self.is_answered {
            state.records.push(Record::Dropped { fetch: self.id, at });
        }
    }
}
