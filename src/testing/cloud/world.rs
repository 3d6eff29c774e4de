//! All that the cloud knows, behind one lock.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::accounts::Accounts;
use super::api_keys::ApiKeys;
use super::audit::Audit;
use super::expires_at::ExpiresAt;
use super::fault::Faults;
use super::grants::Grants;
use super::status::ErrorShape;
use super::tokens::Tokens;
use super::workflows::Workflows;
use crate::clock::TimeSource;

pub(super) struct World {
    pub(super) accounts: Accounts,
    pub(super) api_keys: ApiKeys,
    pub(super) audit: Audit,
    pub(super) clock: FakeTime,
    /// Where the hosts are, as the list of endpoints names them.
    pub(super) endpoints: Vec<(&'static str, SocketAddr)>,
    pub(super) exchange_errors: ErrorShape,
    pub(super) expires_at: ExpiresAt,
    pub(super) faults: Faults,
    pub(super) grants: Grants,
    pub(super) operations: Vec<Value>,
    pub(super) tokens: Tokens,
    pub(super) workflows: Workflows,
}

impl World {
    fn new() -> Self {
        Self {
            accounts: Accounts::new(),
            api_keys: ApiKeys::default(),
            audit: Audit::default(),
            clock: FakeTime {
                source: TimeSource::System,
                skew: Skew::default(),
            },
            endpoints: Vec::new(),
            exchange_errors: ErrorShape::default(),
            expires_at: ExpiresAt::default(),
            faults: Faults::default(),
            grants: Grants::default(),
            operations: Vec::new(),
            tokens: Tokens::new(),
            workflows: Workflows::default(),
        }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    pub(super) fn workflows_url(&self) -> String {
        let address = self
            .endpoints
            .iter()
            .find(|&&(id, _)| id == "serverless-workflows")
            .map(|&(_, address)| address);
        address.map_or_else(String::new, |address| format!("http://{address}"))
    }
}

/// The cloud's clock, which may be wrong on purpose.
pub(super) struct FakeTime {
    pub(super) source: TimeSource,
    pub(super) skew: Skew,
}

/// How far a clock is off.
#[derive(Clone, Copy)]
pub(super) enum Skew {
    Ahead(Duration),
    Behind(Duration),
}

impl Default for Skew {
    fn default() -> Self {
        Self::Ahead(Duration::ZERO)
    }
}

impl FakeTime {
    fn now(&self) -> SystemTime {
        let now = self.source.now().wall;
        match self.skew {
            Skew::Ahead(by) => now + by,
            Skew::Behind(by) => now - by,
        }
    }
}

/// The world as its servers and its owner share it.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(World::new())))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
