//! The one fetch: how it starts, and what drives it.

use std::any::Any;
use std::borrow::Cow;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use futures_util::FutureExt;

use super::in_flight::{Driver, Fetch, InFlight};
use super::shared::Shared;
use super::state::State;
use crate::clock::Reading;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::ErasedProvider;
use crate::redact::printable;
use crate::runtime::{Runtime, timeout};
use crate::sync::Mutex;
use crate::telemetry;

/// A fetch that a caller joined under the lock. A new one is launched once the lock is released.
pub(super) struct Joined {
    fetch: Arc<Fetch>,
    is_new: bool,
}

impl State {
    /// Joins the fetch in flight, or registers a new one.
    pub(super) fn join_fetch(self: &Arc<Self>, shared: &mut Shared, now: &Reading) -> Joined {
        if let Some(fetch) = &shared.in_flight {
            return Joined {
                fetch: Arc::clone(fetch),
                is_new: false,
            };
        }
        let id = shared.next_fetch_id();
        let driver = match Runtime::current() {
            Some(_) => Driver::Task(OnceLock::new()),
            None => self.driven_by_waiters(id),
        };
        let fetch = Arc::new(Fetch::new(id, now.wall, driver));
        shared.in_flight = Some(Arc::clone(&fetch));
        Joined {
            fetch,
            is_new: true,
        }
    }

    /// Starts a new fetch, and returns a waiter of it.
    pub(super) fn launch(self: &Arc<Self>, joined: Joined, now: &Reading) -> InFlight {
        let Joined { fetch, is_new } = joined;
        let runtime = Runtime::current().filter(|_| is_new && !fetch.is_driven_by_waiters());
        let Some(runtime) = runtime else {
            return InFlight::new(fetch);
        };
        let limit = self.settings.fetch_timeout;
        fetch.set_task(runtime.spawn(self.run(fetch.id, Some(limit))));
        if fetch.is_abandoned() {
            return InFlight::new(self.replace_refused(now));
        }
        InFlight::new(fetch)
    }

    /// The fetch to wait for where a runtime that shuts down dropped the task at once.
    fn replace_refused(self: &Arc<Self>, now: &Reading) -> Arc<Fetch> {
        let mut shared = self.lock();
        if let Some(fetch) = &shared.in_flight {
            return Arc::clone(fetch);
        }
        let id = shared.next_fetch_id();
        let fetch = Arc::new(Fetch::new(id, now.wall, self.driven_by_waiters(id)));
        shared.in_flight = Some(Arc::clone(&fetch));
        self.publish_next_lookup(&shared, now);
        fetch
    }

    fn driven_by_waiters(self: &Arc<Self>, id: u64) -> Driver {
        Driver::Waiters(Mutex::new(Some(Box::pin(self.run(id, None)))))
    }

    /// The fetch itself, to be polled by a task or by waiters. Owns no cache, whose last handle may
    /// be dropped meanwhile.
    ///
    /// Only a task has a limit of its own. Waiters enforce theirs, each on the runtime it runs on.
    fn run(
        self: &Arc<Self>,
        id: u64,
        limit: Option<Duration>,
    ) -> impl Future<Output = ()> + Send + use<> {
        // Made here, not in the future: a runtime may drop that before it is polled.
        let guard = AbandonOnDrop {
            state: Arc::downgrade(self),
            id,
        };
        let provider = Arc::clone(&self.provider);
        async move {
            let result = fetch(provider, limit).await;
            if let Some(state) = guard.state.upgrade() {
                state.complete(id, result);
            }
        }
    }

    /// Abandons a fetch that nothing polls any more. The next caller starts another.
    pub(super) fn abandon_overdue(&self) {
        self.abandon_if(|fetch| fetch.is_overdue(self.settings.fetch_timeout));
    }

    fn abandon_if(&self, condition: impl Fn(&Fetch) -> bool) {
        let abandoned = self.lock().in_flight.take_if(|fetch| condition(fetch));
        if let Some(fetch) = abandoned {
            // The next request finds out, and starts another.
            self.slot.publish_next_lookup(0);
            fetch.abandon();
        }
    }
}

/// Fetches, whatever the provider does.
async fn fetch(
    provider: Arc<dyn ErasedProvider>,
    limit: Option<Duration>,
) -> Result<Credential, ProviderError> {
    let limited = async {
        let fetching = Arc::clone(&provider).fetch_erased();
        match limit {
            Some(limit) => timeout(limit, fetching)
                .await
                .unwrap_or_else(|| Err(timed_out(&*provider, limit))),
            None => fetching.await,
        }
    };
    let caught = AssertUnwindSafe(limited)
        .catch_unwind()
        .map(|result| result.unwrap_or_else(|panic| Err(panicked(&*provider, panic))));
    telemetry::in_fetch_span(&name_of(&*provider), caught).await
}

pub(super) fn timed_out(provider: &dyn ErasedProvider, limit: Duration) -> ProviderError {
    ProviderError::transient(format!("no credential within {limit:?}"))
        .with_provider(name_of(provider))
}

/// The name of the provider, which may panic as well as the fetch.
fn name_of(provider: &dyn ErasedProvider) -> Cow<'static, str> {
    catch_unwind(AssertUnwindSafe(|| provider.name_erased())).unwrap_or(Cow::Borrowed("provider"))
}

/// The message of the panic is shown if it is a text, without secrets.
fn panicked(provider: &dyn ErasedProvider, panic: Box<dyn Any + Send>) -> ProviderError {
    const MAX_CHARS: usize = 200;
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.map_or_else(String::new, |text| {
        format!(": {}", printable(text, MAX_CHARS))
    });
    // Its destructor may panic as well.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(panic)));
    ProviderError::transient(format!("the provider panicked{text}"))
        .with_provider(name_of(provider))
}

/// Abandons the fetch of a task that its runtime dropped before it ended.
struct AbandonOnDrop {
    state: Weak<State>,
    id: u64,
}

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        if let Some(state) = self.state.upgrade() {
            state.abandon_if(|fetch| fetch.id == self.id);
        }
    }
}
