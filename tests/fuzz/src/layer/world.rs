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

    /// Panics unless the provider issued the credential and neither clock says that it has ended.
    pub(super) fn check_current(&self, credential: &Credential) {
        self.check_current_secret(credential.expose_secret());
    }

    pub(super) fn check_current_secret(&self, secret: &str) {
        let number = secret
            .rsplit('.')
            .next()
            .and_then(|number| number.parse::<usize>().ok());
        let issued = self.issued.lock().unwrap();
        let issued = &issued[number.expect("the token has a number")];
        assert!(
            issued.wall.is_none_or(|end| self.clock.wall() < end),
            "expired by the wall clock"
        );
        assert!(
            issued
                .monotonic
                .is_none_or(|end| self.clock.monotonic() < end),
            "expired by the monotonic clock"
        );
    }
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
