//! A cache, its callers and the reference model, in step.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::Request;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service};
use yandex_cloud_auth::{Auth, AuthLayer, CacheState, CredentialCache, Workflows};

use crate::clock::{Clocks, Reading};
use crate::event::{Answer, Event, Lifetime, Via};
use crate::reference::Reference;
use crate::source::{Record, Source};
use crate::waiter::{CallResult, Open, Server, Waiter, number};
use crate::{Violation, require};

/// Between two whole seconds, so that no event falls on it.
const FETCH_TIMEOUT: Duration = Duration::from_millis(29_500);

/// Warm requests read the wall clock alone. The timer reads both, but not while it waits for a
/// fetch, which is this long at most.
const TIMER_PERIOD: Duration = Duration::from_secs(61);

/// How many times tasks and waiters are polled after an event.
const MAX_ROUNDS: usize = 50;

/// Runs events against a cache, and compares it with the reference model after each.
pub struct World {
    clocks: Clocks,
    /// The time of the runtime's timers.
    elapsed: Duration,
    runtime: Option<Runtime>,
    life: Life,
    steps: u64,
}

/// All that ends with a cache.
struct Life {
    source: Source,
    handles: Vec<CredentialCache>,
    services: [Auth<Server, Workflows>; 2],
    server: Server,
    open: Vec<Open>,
    waiters: Vec<Waiter>,
    reference: Reference,
    /// When each fetch started, by the runtime's timers.
    starts: Vec<Duration>,
    runtime_restarted: bool,
}

impl Default for World {
    fn default() -> Self {
        let clocks = Clocks::new();
        Self {
            life: Life::new(&clocks),
            clocks,
            elapsed: Duration::ZERO,
            runtime: Some(runtime()),
            steps: 0,
        }
    }
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    builder.build().unwrap()
}

impl Life {
    fn new(clocks: &Clocks) -> Self {
        let (source, provider) = Source::new(clocks.clone());
        let cache = CredentialCache::builder(provider)
            .clock(clocks.clone())
            .fetch_timeout(FETCH_TIMEOUT)
            .build();
        let server = Server::default();
        let layer = AuthLayer::from_cache(cache.clone());
        Self {
            source,
            services: [layer.layer(server.clone()), layer.layer(server.clone())],
            handles: vec![cache],
            server,
            open: vec![],
            waiters: vec![],
            reference: Reference::default(),
            starts: vec![],
            runtime_restarted: false,
        }
    }

    fn call(&mut self, via: Via) -> Waiter {
        let cache = self.handles[0].clone();
        match via {
            Via::Get | Via::GetOutside => Waiter::new(via, async move { plain(cache.get().await) }),
            Via::GetValidFor(seconds) => Waiter::new(via, async move {
                plain(cache.get_valid_for(Duration::from_secs(seconds)).await)
            }),
            Via::Refresh => Waiter::new(via, async move { plain(cache.refresh().await) }),
            Via::Layer(service) => Waiter::new(via, self.send(service)),
        }
    }

    fn send(&mut self, service: usize) -> impl Future<Output = CallResult> + use<> {
        let service = &mut self.services[service % 2];
        let ready = service.poll_ready(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(ready, Poll::Ready(Ok(()))));
        let request = Request::get("/workflows/v1/execution").body(()).unwrap();
        let response = service.call(request);
        async move {
            let response = response.await.map_err(|error| error.to_string())?;
            let _ = response.status();
            Ok(None)
        }
    }

    /// Drops all but this.
    fn into_source(self) -> Source {
        self.source
    }

    /// Whether a fetch may start at any time, since a caller asks for one.
    fn is_forced(&self) -> bool {
        let forces = |waiter: &Waiter| matches!(waiter.via, Via::Refresh | Via::GetValidFor(_));
        self.waiters.iter().any(forces)
    }
}

fn plain<E: ToString>(result: Result<yandex_cloud_auth::Credential, E>) -> CallResult {
    result.map(Some).map_err(|error| error.to_string())
}

impl World {
    /// Runs the events, then shows that the cache heals and leaves nothing behind.
    ///
    /// # Errors
    ///
    /// What the cache did that it must not do.
    pub fn run(events: &[Event]) -> Result<u64, Violation> {
        let mut world = Self::default();
        for event in events {
            world.apply(event)?;
        }
        world.heal()?;
        world.drop_all()?;
        Ok(world.steps)
    }

    fn apply(&mut self, event: &Event) -> Result<(), Violation> {
        match *event {
            Event::Advance(seconds) => return self.advance(seconds),
            Event::Call(via) => return self.call(via),
            Event::Cancel(waiter) => self.cancel(waiter),
            Event::Clone => self.life.handles.push(self.life.handles[0].clone()),
            Event::DropAll => return self.drop_all(),
            Event::DropClone(handle) => self.drop_clone(handle),
            Event::Invalidate(credential) => self.invalidate(credential)?,
            Event::Respond {
                request,
                is_rejected,
            } => self.respond(request, is_rejected),
            Event::RestartRuntime => self.restart_runtime(),
            Event::Source(answer) => self.life.source.set(answer),
            Event::StepWall(seconds) => self.clocks.step_wall(seconds),
        }
        self.settle()
    }

    /// In parts, so that timers fire near their time.
    fn advance(&mut self, seconds: u64) -> Result<(), Violation> {
        let mut left = seconds;
        while left > 0 {
            let part = left.min(10.max(seconds / 12));
            left -= part;
            let part = Duration::from_secs(part);
            self.clocks.advance(part);
            self.elapsed += part;
            self.runtime().block_on(tokio::time::advance(part));
            self.settle()?;
        }
        Ok(())
    }

    fn call(&mut self, via: Via) -> Result<(), Violation> {
        let now = self.clocks.now();
        let before = self.life.reference.usable(&now);
        let (shortest, longest) = self.life.reference.cool_down(&now);
        let was_idle = self.life.source.alive() == 0;
        let waiter = self.life.call(via);
        self.life.waiters.push(waiter);
        let last = self.life.waiters.len() - 1;
        let is_done = self.poll(last, via == Via::GetOutside)?;
        if matches!(via, Via::Get | Via::GetOutside | Via::Layer(_)) {
            let is_served = is_done || self.life.waiters[last].is_sent;
            require!(
                is_served || before.is_none(),
                "I5: a caller waits although {before:?} is usable"
            );
            require!(
                is_served || shortest.is_zero() || !was_idle,
                "I3: a caller waits during the cool-down"
            );
        }
        self.settle()?;
        let answer = self.life.source.answer();
        let heals = matches!(
            answer,
            Answer::Credential(Lifetime::In(2..) | Lifetime::Never)
        );
        let is_usable = self.life.reference.usable(&self.clocks.now()).is_some();
        require!(
            is_usable || !heals || !longest.is_zero() || matches!(via, Via::GetValidFor(_)),
            "no credential from a source that gives one, {longest:?} after the cool-down"
        );
        Ok(())
    }

    fn cancel(&mut self, waiter: usize) {
        if !self.life.waiters.is_empty() {
            let index = self.life.waiters.len() - 1 - waiter % self.life.waiters.len();
            drop(self.life.waiters.swap_remove(index));
        }
    }

    fn drop_clone(&mut self, handle: usize) {
        if self.life.handles.len() > 1 {
            let index = self.life.handles.len() - 1 - handle % self.life.handles.len();
            drop(self.life.handles.swap_remove(index));
        }
    }

    fn invalidate(&mut self, credential: usize) -> Result<(), Violation> {
        let credentials = self.life.source.credentials();
        if credentials.is_empty() {
            return Ok(());
        }
        let number = credentials.len() - 1 - credential % credentials.len();
        let now = self.clocks.now();
        let expected = self.life.reference.reject(number, now);
        let is_dropped = self.enter(|life| life.handles[0].invalidate(&credentials[number]));
        require!(
            is_dropped == expected,
            "I6: invalidate(t1.{number}) returned {is_dropped}, not {expected}"
        );
        Ok(())
    }

    fn respond(&mut self, request: usize, is_rejected: bool) {
        self.life.open.retain(Open::has_caller);
        if self.life.open.is_empty() {
            return;
        }
        let index = self.life.open.len() - 1 - request % self.life.open.len();
        let open = self.life.open.swap_remove(index);
        if is_rejected {
            self.life.reference.reject(open.number, self.clocks.now());
        }
        open.respond(is_rejected);
    }

    fn restart_runtime(&mut self) {
        drop(self.runtime.replace(runtime()));
        self.life.runtime_restarted = true;
        for waiter in &mut self.life.waiters {
            waiter.since = waiter.since.and(Some(self.elapsed));
        }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("a runtime")
    }

    fn enter<T>(&mut self, work: impl FnOnce(&mut Life) -> T) -> T {
        let _entered = self.runtime.as_ref().expect("a runtime").enter();
        work(&mut self.life)
    }

    /// Polls tasks and woken waiters until none is left, then compares.
    fn settle(&mut self) -> Result<(), Violation> {
        self.steps += 1;
        let mut is_first = true;
        for _ in 0..MAX_ROUNDS {
            self.runtime().block_on(async {
                for _ in 0..4 {
                    tokio::task::yield_now().await;
                }
            });
            self.read_records()?;
            if !self.poll_woken(is_first)? {
                self.life.runtime_restarted = false;
                return self.compare();
            }
            is_first = false;
        }
        Err("waiters are woken without an end".to_owned())
    }

    /// Returns whether there was one.
    fn poll_woken(&mut self, is_first: bool) -> Result<bool, Violation> {
        let mut any = false;
        let mut index = 0;
        while index < self.life.waiters.len() {
            let waiter = &self.life.waiters[index];
            let has_no_timer = is_first && waiter.via == Via::GetOutside;
            if !waiter.is_woken() && !has_no_timer {
                index += 1;
                continue;
            }
            any = true;
            if !self.poll(index, false)? {
                index += 1;
            }
        }
        Ok(any)
    }

    /// Polls a waiter and removes it once it is done. Returns whether it is.
    fn poll(&mut self, index: usize, is_outside: bool) -> Result<bool, Violation> {
        let before = self.life.reference.usable(&self.clocks.now());
        let polled = if is_outside {
            self.life.waiters[index].poll()
        } else {
            let elapsed = self.elapsed;
            self.enter(|life| {
                let waiter = &mut life.waiters[index];
                waiter.since.get_or_insert(elapsed);
                waiter.poll()
            })
        };
        self.read_records()?;
        for open in self.life.server.take() {
            self.life.waiters[index].is_sent = true;
            self.check_use(Via::Layer(0), open.number, before.map(|entry| entry.number))?;
            self.life.open.push(open);
        }
        let Poll::Ready(result) = polled else {
            return Ok(false);
        };
        let waiter = self.life.waiters.remove(index);
        self.check_result(&waiter, result, before.map(|entry| entry.number))?;
        Ok(true)
    }

    fn check_result(
        &self,
        waiter: &Waiter,
        result: CallResult,
        before: Option<usize>,
    ) -> Result<(), Violation> {
        match result {
            Ok(None) => Ok(()),
            Ok(Some(credential)) => {
                let value = credential.header_value().to_str().unwrap();
                self.check_use(waiter.via, number(value), before)
            }
            Err(error) => {
                let may_fail = matches!(waiter.via, Via::Refresh | Via::GetValidFor(_));
                let usable = self.life.reference.usable(&self.clocks.now());
                require!(
                    may_fail || usable.is_none(),
                    "I5: a caller got an error although {usable:?} is usable: {error}"
                );
                Ok(())
            }
        }
    }

    fn check_use(&self, via: Via, number: usize, before: Option<usize>) -> Result<(), Violation> {
        let mut now = self.clocks.now();
        if matches!(via, Via::Layer(_)) && self.life.source.alive() > 0 {
            now.monotonic -= TIMER_PERIOD;
        }
        let reference = &self.life.reference;
        let entry = reference.check_use(number, &now)?;
        if let Via::GetValidFor(seconds) = via {
            let left = entry.time_left(&now);
            require!(
                left >= Duration::from_secs(seconds),
                "a credential valid for {left:?}, not for {seconds} s"
            );
        }
        let current = reference
            .usable(&self.clocks.now())
            .map(|entry| entry.number);
        require!(
            matches!(via, Via::Layer(_)) || current == Some(number) || before == Some(number),
            "t1.{number} was used instead of {current:?}"
        );
        Ok(())
    }

    fn read_records(&mut self) -> Result<(), Violation> {
        for record in self.life.source.take_records() {
            let is_forced = self.life.is_forced();
            match record {
                Record::Started { fetch, at } => {
                    self.life.reference.start(at, is_forced)?;
                    self.life.starts.push(self.elapsed);
                    require!(fetch == self.life.starts.len() as u64, "a lost record");
                }
                Record::Stale { fetch } => {
                    return Err(format!(
                        "I2: fetch {fetch} goes on after a later one started"
                    ));
                }
                Record::Answered { answer, at } => self.life.reference.answer(answer, at),
                Record::Dropped { fetch, at } => self.dropped(fetch, at)?,
            }
        }
        Ok(())
    }

    /// A fetch was dropped without an answer: it timed out, or its runtime is gone.
    fn dropped(&mut self, fetch: u64, at: Reading) -> Result<(), Violation> {
        let took = self.elapsed - self.life.starts[usize::try_from(fetch).unwrap() - 1];
        if took >= FETCH_TIMEOUT {
            self.life.reference.time_out(at);
            return Ok(());
        }
        require!(
            self.life.runtime_restarted,
            "fetch {fetch} was dropped after {took:?}"
        );
        Ok(())
    }

    /// Compares the cache with the reference model.
    fn compare(&mut self) -> Result<(), Violation> {
        let now = self.clocks.now();
        let life = &self.life;
        let usable = life.reference.usable(&now).map(|entry| entry.number);
        let peeked = life.handles[0].peek();
        let peeked = peeked.map(|found| number(found.header_value().to_str().unwrap()));
        require!(
            peeked == usable,
            "I1, I5, I6: {peeked:?} is usable, not {usable:?}"
        );
        require!(
            life.source.alive() <= 1,
            "I2: {} fetches in flight",
            life.source.alive()
        );
        for waiter in life.waiters.iter().filter(|waiter| !waiter.is_sent) {
            let waits = self.elapsed - waiter.since.unwrap_or(self.elapsed);
            require!(
                waits < FETCH_TIMEOUT + Duration::from_millis(100),
                "I4: a waiter by {:?} waits for {waits:?}",
                waiter.via
            );
        }
        self.compare_status(&now, usable.is_some())
    }

    fn compare_status(&self, now: &Reading, is_usable: bool) -> Result<(), Violation> {
        let Life {
            reference, source, ..
        } = &self.life;
        let status = self.life.handles[0].status();
        let found = (
            status.is_ready(),
            status.state() == CacheState::Empty,
            status.generation(),
            status.consecutive_failures(),
            status.rejections(),
            status.fetching_since().is_some(),
        );
        let expected = (
            is_usable,
            reference.is_empty(),
            reference.generation(),
            reference.failures(),
            reference.rejections(),
            source.alive() == 1,
        );
        require!(
            found == expected,
            "the status is {found:?}, not {expected:?}"
        );
        let (shortest, longest) = reference.cool_down(now);
        let next = status.next_attempt_at().map_or(Duration::ZERO, |at| {
            at.duration_since(now.wall).unwrap_or_default()
        });
        require!(
            (shortest..=longest).contains(&next),
            "the cool-down ends in {next:?}, not in {shortest:?} to {longest:?}"
        );
        Ok(())
    }

    /// Once the source answers, callers get its credentials, and a timer renews them, whatever
    /// happened before.
    fn heal(&mut self) -> Result<(), Violation> {
        self.apply(&Event::Source(Answer::Credential(Lifetime::In(12 * 3600))))?;
        self.advance(660)?;
        self.call(Via::Get)?;
        let entry = self.life.reference.usable(&self.clocks.now());
        let entry = entry.ok_or("the cache does not heal")?;
        self.advance(3660)?;
        let next = self.life.reference.usable(&self.clocks.now());
        require!(
            next.is_some_and(|next| next.number > entry.number) || entry.never_ends(),
            "no timer renews the credential"
        );
        Ok(())
    }

    /// Drops all of a cache, and shows that nothing of it is left.
    fn drop_all(&mut self) -> Result<(), Violation> {
        let life = std::mem::replace(&mut self.life, Life::new(&self.clocks));
        let source = life.into_source();
        self.settle()?;
        require!(
            source.alive() == 0 && source.is_provider_dropped(),
            "I10: {} fetches go on after the last handle was dropped",
            source.alive()
        );
        let tasks = self.runtime().metrics().num_alive_tasks();
        require!(tasks == 0, "I10: {tasks} tasks go on");
        Ok(())
    }
}
