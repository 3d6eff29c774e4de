//! The complete state of the cloud, behind one lock.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::clock::TimeSource;
use crate::policy::Region;
use crate::testing::cloud::hosts::workflows::Workflows;
use crate::testing::cloud::state::accounts::Accounts;
use crate::testing::cloud::state::api_keys::ApiKeys;
use crate::testing::cloud::state::audit::Audit;
use crate::testing::cloud::state::expires_at::ExpiresAt;
use crate::testing::cloud::state::grants::Grants;
use crate::testing::cloud::state::tokens::Tokens;
use crate::testing::cloud::wire::fault::Faults;
use crate::testing::cloud::wire::status::ErrorShape;

pub(crate) struct World {
    pub(crate) accounts: Accounts,
    pub(crate) api_keys: ApiKeys,
    pub(crate) audit: Audit,
    pub(crate) clock: FakeTime,
    /// The API domain of this cloud: name and port of the TLS listener.
    pub(crate) domain: String,
    /// The addresses of the hosts, with their ids in the list of endpoints.
    pub(crate) endpoints: Vec<(&'static str, SocketAddr)>,
    pub(crate) exchange_errors: ErrorShape,
    pub(crate) expires_at: ExpiresAt,
    pub(crate) faults: Faults,
    pub(crate) grants: Grants,
    pub(crate) operations: Vec<Value>,
    /// The region whose audience IAM accepts. Clients keep it when the address of IAM is another
    /// one.
    pub(crate) region: Region,
    pub(crate) tokens: Tokens,
    pub(crate) workflows: Workflows,
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
            domain: String::new(),
            endpoints: Vec::new(),
            exchange_errors: ErrorShape::default(),
            expires_at: ExpiresAt::default(),
            faults: Faults::default(),
            grants: Grants::default(),
            operations: Vec::new(),
            region: Region::default(),
            tokens: Tokens::new(),
            workflows: Workflows::default(),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    pub(crate) fn workflows_url(&self) -> String {
        let address = self
            .endpoints
            .iter()
            .find(|&&(id, _)| id == "serverless-workflows")
            .map(|&(_, address)| address);
        address.map_or_else(String::new, |address| format!("http://{address}"))
    }
}

/// The cloud's clock, which a test can set ahead or behind.
pub(crate) struct FakeTime {
    pub(crate) source: TimeSource,
    pub(crate) skew: Skew,
}

/// The difference between a clock and its source.
#[derive(Clone, Copy)]
pub(crate) enum Skew {
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

/// The state, shared by the hosts and the [`FakeCloud`](crate::testing::FakeCloud).
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(World::new())))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
