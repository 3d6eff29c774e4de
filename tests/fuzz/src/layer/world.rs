//! What provider and inner service share: the clock, the script, and the credentials handed out.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use yandex_cloud_auth::{Clock, Credential};

use super::super::clock::MovedClock;
use super::super::input::Input;
use super::provider::Step;
use super::request::Rule;

/// Is in each credential, and must be in nothing that is printed.
pub(super) const SECRET: &str = "Zq7canary7qZ";

pub(super) struct World {
    pub(super) clock: MovedClock,
    pub(super) rule: Rule,
    step: Mutex<Step>,
    issued: Mutex<Vec<Issued>>,
    fetches: AtomicUsize,
    released: AtomicUsize,
    status: AtomicU16,
    ready: AtomicBool,
    /// Whether the wall clock was set back, or stood while the other one moved.
    wall_is_behind: AtomicBool,
}

/// A token of the provider, and when it ends by each clock.
struct Issued {
    wall: Option<SystemTime>,
    monotonic: Option<Instant>,
}

impl World {
    pub(super) fn new(rule: Rule) -> Arc<Self> {
        Arc::new(Self {
            clock: MovedClock::new(),
            rule,
            step: Mutex::new(Step::Answer(Some(Duration::from_secs(3600)))),
            issued: Mutex::default(),
            fetches: AtomicUsize::new(0),
            released: AtomicUsize::new(0),
            status: AtomicU16::new(200),
            ready: AtomicBool::new(true),
            wall_is_behind: AtomicBool::new(false),
        })
    }

    pub(super) fn script(&self, step: Step) {
        *self.step.lock().unwrap() = step;
    }

    pub(super) fn step(&self) -> Step {
        *self.step.lock().unwrap()
    }

    /// Lets the fetches go on that hang now.
    pub(super) fn release(&self) {
        self.released.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn released(&self) -> usize {
        self.released.load(Ordering::Relaxed)
    }

    pub(super) fn set_status(&self, input: &mut Input<'_>) {
        let status = input.pick(&[200, 401, 401, 403, 500]);
        self.status.store(status, Ordering::Relaxed);
    }

    pub(super) fn status(&self) -> u16 {
        self.status.load(Ordering::Relaxed)
    }

    pub(super) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Counts a fetch while the guard lives. Panics if there is another.
    pub(super) fn start_fetch(&self) -> Fetching<'_> {
        let others = self.fetches.fetch_add(1, Ordering::Relaxed);
        assert_eq!(others, 0, "two fetches are in flight");
        Fetching(&self.fetches)
    }

    /// A new token, with this lifetime from now on.
    pub(super) fn issue(&self, lifetime: Option<Duration>) -> Credential {
        let mut issued = self.issued.lock().unwrap();
        let token = format!("t1.{SECRET}.{}", issued.len());
        let token = Credential::iam_token(token).expect("the characters are those of a token");
        issued.push(Issued {
            wall: lifetime.map(|lifetime| self.clock.wall() + lifetime),
            monotonic: lifetime.map(|lifetime| self.clock.monotonic() + lifetime),
        });
        match lifetime {
            Some(lifetime) => token.with_lifetime(lifetime),
            None => token,
        }
    }

    pub(super) fn rewind_wall(&self, by: Duration) {
        self.clock.rewind_wall(by);
        self.wall_is_behind.store(true, Ordering::Relaxed);
    }

    pub(super) fn advance_monotonic(&self, by: Duration) {
        self.clock.advance_monotonic(by);
        self.wall_is_behind.store(true, Ordering::Relaxed);
    }

    /// Panics unless the provider issued the credential and neither clock says that it has ended.
    pub(super) fn check_current(&self, credential: &Credential) {
        self.check_wall(credential.expose_secret());
        self.check_monotonic(credential.expose_secret());
    }

    /// The same for what a request carries. Requests read only the wall clock, since a timer watches
    /// the monotonic one; here is none.
    pub(super) fn check_sent(&self, secret: &str) {
        self.check_wall(secret);
        if !self.wall_is_behind.load(Ordering::Relaxed) {
            self.check_monotonic(secret);
        }
    }

    fn check_wall(&self, secret: &str) {
        let end = self.issued.lock().unwrap()[number(secret)].wall;
        let ended = end.is_some_and(|end| end <= self.clock.wall());
        assert!(!ended, "expired by the wall clock");
    }

    fn check_monotonic(&self, secret: &str) {
        let end = self.issued.lock().unwrap()[number(secret)].monotonic;
        let ended = end.is_some_and(|end| end <= self.clock.monotonic());
        assert!(!ended, "expired by the monotonic clock");
    }
}

/// The number of a token.
fn number(secret: &str) -> usize {
    let number = secret.rsplit('.').next().map(str::parse);
    number
        .expect("it has a last part")
        .expect("the provider issued the token")
}

/// A fetch in flight.
pub(super) struct Fetching<'a>(&'a AtomicUsize);

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The key that the layer has in addition.
pub(super) fn api_key() -> Credential {
    Credential::api_key(format!("AQVN{SECRET}")).expect("the characters are those of a key")
}
