//! The whole layer: requests, answers of a provider, responses and moves of the clock, in any order.

mod inner;
mod provider;
mod request;
mod world;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Response;
use tower::{BoxError, Layer, Service};
use yandex_cloud_auth::{Auth, AuthLayer, CredentialCache, Workflows, WorkflowsAt};

use self::inner::Inner;
use self::provider::{Scripted, Step};
use self::request::{Rule, request};
use self::world::World;
use super::input::Input;

/// A byte for the settings, then one for each operation and those that it takes.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let world = World::new(Rule::of(input.byte()));
    let mut session = Session::new(&world);
    while let Some(operation) = input.next() {
        session.run(operation, &mut input);
    }
    drop(session);
    assert_eq!(Arc::strong_count(&world), 1, "something outlives the layer");
}

type Client = Auth<Inner, WorkflowsAt>;

/// The services of one layer, and the responses that they are asked for.
struct Session {
    world: Arc<World>,
    cache: CredentialCache,
    clients: Vec<Client>,
    responses: Vec<BoxFuture<'static, Result<Response<()>, BoxError>>>,
    refreshes: Vec<BoxFuture<'static, ()>>,
}

impl Session {
    fn new(world: &Arc<World>) -> Self {
        let cache = CredentialCache::builder(Scripted(Arc::clone(world)))
            .clock(world.clock.clone())
            .build();
        let rule = &world.rule;
        let mut layer = AuthLayer::from_cache(cache.clone()).with_policy(policy(rule));
        if rule.api_key {
            layer = layer.with_api_key(world::api_key());
        }
        if let Some(origin) = rule.origin {
            layer = layer
                .with_origin(origin)
                .expect("the constants are origins");
        }
        let client = layer.layer(Inner::new(Arc::clone(world)));
        Self {
            world: Arc::clone(world),
            cache,
            clients: vec![client],
            responses: Vec::new(),
            refreshes: Vec::new(),
        }
    }

    fn run(&mut self, operation: u8, input: &mut Input<'_>) {
        const LIMIT: usize = 8;
        match operation % 16 {
            0..=3 => self.send(input),
            4 => self.poll(),
            5 => {
                self.responses.pop();
            }
            6 => self.world.script(Step::of(input)),
            7 => self.world.release(),
            8 => self.move_clock(input),
            9 if self.clients.len() < LIMIT => self.clients.push(self.clients[0].clone()),
            10 if self.clients.len() > 1 => {
                self.clients.swap_remove(0);
            }
            11 => {
                if let Some(credential) = self.cache.peek() {
                    self.cache.invalidate(&credential);
                }
            }
            12 if self.refreshes.len() < LIMIT => self.refresh(),
            13 => self.get(),
            14 => self.world.set_status(input),
            15 => self.world.set_ready(input.byte() % 2 == 0),
            _ => {}
        }
        self.check_status();
    }

    fn send(&mut self, input: &mut Input<'_>) {
        let Some(request) = request(input) else {
            return;
        };
        let at = usize::from(input.byte()) % self.clients.len();
        let client = &mut self.clients[at];
        let ready = std::future::poll_fn(|cx| client.poll_ready(cx)).now_or_never();
        if ready.is_none() {
            return;
        }
        let response = client.call(request).boxed();
        self.responses.push(response);
        self.poll();
    }

    fn poll(&mut self) {
        self.responses
            .retain_mut(|response| response.now_or_never().is_none());
        self.refreshes
            .retain_mut(|refresh| refresh.now_or_never().is_none());
    }

    fn refresh(&mut self) {
        let cache = self.cache.clone();
        let refresh = async move { drop(cache.refresh().await) };
        self.refreshes.push(refresh.boxed());
        self.poll();
    }

    fn get(&self) {
        if let Some(Ok(credential)) = self.cache.get().now_or_never() {
            self.world.check_current(&credential);
        }
    }

    fn move_clock(&self, input: &mut Input<'_>) {
        let by = Duration::from_secs(1 << (input.byte() % 24));
        let clock = &self.world.clock;
        match input.byte() % 4 {
            0 => {
                clock.advance_wall(by);
                clock.advance_monotonic(by);
            }
            1 => clock.advance_wall(by),
            2 => self.world.rewind_wall(by),
            _ => self.world.advance_monotonic(by),
        }
    }

    fn check_status(&self) {
        let status = self.cache.status();
        let current = self.cache.peek();
        assert_eq!(status.is_ready(), current.is_some(), "{status:?}");
        if let Some(credential) = current {
            self.world.check_current(&credential);
        }
        let shown = format!("{status:?}{:?}", self.clients);
        assert!(!shown.contains(world::SECRET), "{shown}");
    }
}

fn policy(rule: &Rule) -> WorkflowsAt {
    let policy = Workflows::new()
        .allow("https://corp.example:8443")
        .expect("the constant is an origin");
    if rule.loopback {
        policy.allow_loopback()
    } else {
        policy
    }
}
